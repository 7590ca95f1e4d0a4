"""Samples of the contractions: products of vectors, matrices and higher arrays."""

import numpy as np

from lineal.testing import Sample
from samples.arrays import compound, normal, square


def correlation(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Return y[n, o, i] = Σ w[o, c, r] x[n, c, i · stride + r · dilation - padding] + bias[o], place by place."""
    axes, (outputs, channels, *kernel) = x.ndim - 2, w.shape
    steps, pads, fars = (np.broadcast_to(each, axes) for each in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0), *((pad, pad) for pad in pads)])
    fields = zip(x.shape[2:], kernel, steps, fars)
    y = np.zeros((len(x), outputs, *((size - far * (side - 1) - 1) // step + 1 for size, side, step, far in fields)))
    for o, *i in np.ndindex(y.shape[1:]):
        first = o // (outputs // groups) * channels
        seen = (slice(n * step, n * step + far * (side - 1) + 1, far) for n, step, far, side in zip(i, steps, fars, kernel))
        y[:, o, *i] = (x[:, first : first + channels, *seen] * w[o]).reshape(len(x), -1).sum(1)
        y[:, o, *i] += 0 if bias is None else bias[o]
    return y


SAMPLES = {
    "matmul": [
        Sample(normal(2, 3), normal(3, 4), reference=np.matmul),
        Sample(normal(3), normal(3), reference=np.matmul),
        Sample(normal(2, 3), normal(3), reference=np.matmul),
        Sample(normal(3), normal(5, 3, 2), reference=np.matmul),
        Sample(normal(5, 1, 2, 3), normal(2, 3, 2), reference=np.matmul),
        Sample(compound(2, 3), compound(3, 2), reference=np.matmul),
        Sample(normal(2, 0), normal(0, 3), reference=np.matmul),
    ],
    "mm": [Sample(normal(2, 3), normal(3, 4), reference=np.matmul)],
    "bmm": [Sample(normal(5, 2, 3), normal(5, 3, 4), reference=np.matmul)],
    "mv": [Sample(normal(2, 3), normal(3), reference=np.matmul), Sample(compound(2, 3), compound(3), reference=np.matmul)],
    "dot": [Sample(normal(3), normal(3), reference=np.dot), Sample(compound(3), compound(3), reference=np.dot)],
    "vdot": [Sample(normal(3), normal(3), reference=np.vdot), Sample(compound(3), compound(3), reference=np.vdot)],
    "inner": [Sample(normal(2, 3), normal(4, 3), reference=np.inner)],
    "outer": [Sample(normal(2), normal(3), reference=np.outer)],
    "kron": [Sample(normal(2, 2), normal(1, 3), reference=np.kron)],
    "cross": [Sample(normal(2, 3), normal(2, 3), dim=1)],
    "einsum": [Sample("ij,jk,k->i", normal(2, 3), normal(3, 4), normal(4), reference=np.einsum), Sample("ii->i", normal(3, 3))],
    "tensordot": [Sample(normal(2, 3, 4), normal(3, 4, 2), 2, reference=np.tensordot)],
    "chain_matmul": [Sample(normal(2, 3), normal(3, 4), normal(4, 2))],
    "matrix_power": [Sample(square(3), 3, reference=np.linalg.matrix_power)],
    "addmm": [Sample(normal(4), normal(2, 3), normal(3, 4), beta=0.5, alpha=2.0)],
    "addmv": [Sample(normal(2), normal(2, 3), normal(3), beta=0.5, alpha=2.0)],
    "addr": [Sample(normal(2, 3), normal(2), normal(3), beta=0.5, alpha=2.0)],
    "addbmm": [Sample(normal(2, 4), normal(5, 2, 3), normal(5, 3, 4), beta=0.5, alpha=2.0)],
    "baddbmm": [Sample(normal(5, 2, 4), normal(5, 2, 3), normal(5, 3, 4), beta=0.5, alpha=2.0)],
    "bilinear": [Sample(normal(2, 3), normal(2, 4), normal(5, 3, 4), normal(5))],
    "linear": [
        Sample(normal(2, 3), normal(4, 3), normal(4)),
        Sample(normal(3), normal(4, 3)),
        Sample(normal(2, 5, 3), normal(4, 3)),
    ],
    "conv1d": [Sample(normal(2, 2, 6), normal(2, 2, 3), normal(2), 2, 1, reference=correlation)],
    "conv2d": [
        Sample(normal(1, 2, 3, 4), normal(2, 1, 2, 2), normal(2), 1, (1, 0), (2, 1), 2, reference=correlation),
        Sample(normal(2, 3, 3), normal(1, 2, 2, 2)),
    ],
    "conv3d": [Sample(normal(1, 1, 2, 3, 2), normal(1, 1, 2, 2, 1), padding="same")],
    "conv_transpose1d": [Sample(normal(2, 2, 3), normal(2, 1, 3), normal(1), stride=2, output_padding=1)],
    "conv_transpose2d": [Sample(normal(1, 2, 2, 2), normal(2, 1, 2, 1), normal(2), (2, 1), groups=2, dilation=2)],
    "conv_transpose3d": [Sample(normal(1, 1, 1, 2, 2), normal(1, 1, 1, 2, 2), padding=(0, 1, 0))],
    "convolution": [Sample(normal(1, 1, 4), normal(2, 1, 2), normal(2), [3], [1], [1], False, [0], 1)],
    "conv_tbc": [
        Sample(
            normal(4, 2, 3),
            normal(2, 3, 2),
            normal(2),
            1,
            reference=lambda x, w, b, pad: correlation(x.transpose(1, 2, 0), w.T, b, 1, pad).transpose(2, 0, 1),
        )
    ],
    "cdist": [Sample(normal(2, 3), normal(4, 3), p) for p in (2.0, 1.0, 3.0)],
    "trace": [Sample(normal(3, 3), reference=np.trace)],
}
