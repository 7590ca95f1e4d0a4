"""What functions give within autocast on the CPU: the dtypes of PyTorch's results, and its numbers within bfloat16's digits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import lineal
from lineal.nn import functional

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.parity

NARROW = {"bfloat16": 2**-6, "float16": 2**-9}
"""The dtypes of products, with what a few roundings in each may come to."""

ARRAYS = {
    "x": (4, 6), "y": (4, 6), "w": (5, 6), "b": (5,), "v": (6,), "u": (4,), "s": (4, 4), "t": (2, 4, 6), "t2": (2, 6, 3),
    "im1": (2, 4, 9), "im2": (2, 4, 9, 9), "im3": (2, 4, 6, 6, 6), "k1": (4, 4, 3), "k2": (4, 4, 3, 3), "k3": (4, 4, 3, 3, 3),
    "q": (2, 3, 5, 4), "slope": (4,), "grid": (2, 3, 3, 2), "pair": (3, 4, 2), "z": (4, 6),
}  # fmt: skip

PRODUCTS = """
F.linear(x, w, b); F.linear(x, w); torch.matmul(x, w.T); x @ w.T; x @ v; v @ v; t @ t2; torch.mm(x, w.T); torch.bmm(t, t2)
torch.mv(x, v); torch.dot(v, v); torch.vdot(v, v); torch.inner(x, y); torch.inner(v, v); torch.outer(v, b); torch.ger(v, b)
torch.addmm(s, x, y.T); torch.addmv(u, x, v); torch.addbmm(s[:, :3], t, t2); torch.baddbmm(t[:, :, :3], t, t2)
torch.addr(s, u, u); torch.chain_matmul(x, y.T, x); torch.linalg.multi_dot([x, y.T, x]); torch.linalg.vecdot(x, y)
torch.linalg.matrix_power(s, 3); torch.linalg.matmul(x, w.T); torch.tensordot(x, y, 2); torch.tensordot(x, y, ([1], [1]))
torch.einsum("ij,kj->ik", x, y); torch.einsum("ij,ij->ij", x, y); torch.einsum("i,j->ij", v, b); torch.einsum("ij->ji", x)
torch.einsum("ij,ij->", x, y); torch.einsum("ijk,ikl->ijl", t, t2)
torch.einsum("ij,kj,kl->il", x, y, x); torch.kron(x, y); torch.cross(x[:, :3], y[:, :3], dim=1); torch.cov(x)
torch.corrcoef(x); F.bilinear(x, y, torch.stack([s[:1].repeat(6, 2)[:, :6]] * 2)); F.scaled_dot_product_attention(q, q, q)
F.scaled_dot_product_attention(q, q, q, is_causal=True); F.conv1d(im1, k1); F.conv2d(im2, k2, slope, padding=1)
F.conv3d(im3, k3); F.conv2d(im2, k2, padding="same"); F.conv_transpose1d(im1, k1); F.conv_transpose2d(im2, k2, slope)
F.conv_transpose3d(im3, k3); F.prelu(im1, slope); torch.cdist(x, y); F.pdist(x); torch.trapezoid(x); F.cosine_similarity(x, y)
F.pairwise_distance(x, y); torch.matmul(x, w.T, out=torch.zeros(0)); torch.mm(x, w.T, out=torch.zeros(0))
s.clone().addmm_(x, y.T); t[:, :, :3].clone().baddbmm_(t, t2)
"""

FLOAT32 = """
F.mse_loss(x, y); F.mse_loss(x, y, reduction="none"); F.l1_loss(x, y); F.smooth_l1_loss(x, y); F.huber_loss(x, y)
F.cross_entropy(x, classes); F.cross_entropy(x, y.softmax(1)); F.nll_loss(x, classes); F.nll_loss(im1, places)
F.binary_cross_entropy(x.sigmoid(), y.sigmoid()); F.binary_cross_entropy_with_logits(x, y.sigmoid()); F.kl_div(x, y.softmax(1))
F.kl_div(x, y, log_target=True); F.poisson_nll_loss(x, y.abs()); F.gaussian_nll_loss(x, y, y.abs() + 1)
F.hinge_embedding_loss(x, signs); F.margin_ranking_loss(x[:, 0], y[:, 0], signs[:, 0]); F.soft_margin_loss(x, signs)
F.multi_margin_loss(x, classes); F.multilabel_margin_loss(x[:, :4], labels); F.triplet_margin_loss(x, y, z)
F.multilabel_soft_margin_loss(x, y.sigmoid()); F.cosine_embedding_loss(x, y, signs[:, 0])
F.triplet_margin_with_distance_loss(x, y, z)
F.ctc_loss(im1.permute(2, 0, 1).log_softmax(2), labels[:2, :2] + 2, [9, 9], [2, 2])
x.prod(); torch.prod(x, 1); torch.trace(s); torch.quantile(x, 0.3); torch.nanquantile(x, 0.3, 1); torch.polar(x.abs(), y)
torch.view_as_complex(pair); torch.fft.fft(x); torch.fft.ifft(x); torch.fft.fft2(x); torch.fft.ifft2(x); torch.fft.fftn(x)
torch.fft.ifftn(x); torch.fft.rfft(x); torch.fft.irfft(x); torch.fft.rfft2(x); torch.fft.irfft2(x); torch.fft.rfftn(x)
torch.fft.irfftn(x); torch.fft.hfft(x); torch.fft.ihfft(x); torch.stft(im1[0], 4, return_complex=True, window=torch.ones(4))
torch.linalg.inv(s + 5 * eye); torch.linalg.inv_ex(s + 5 * eye)[0]; torch.inverse(s + 5 * eye)
torch.linalg.cholesky(spd); torch.linalg.cholesky_ex(spd)[0]; torch.cholesky(spd); torch.cholesky_inverse(spd)
torch.cholesky_solve(s, spd); torch.linalg.qr(s)[1]; torch.qr(s)[1]; torch.linalg.svd(s)[1]; torch.svd(s)[1]
torch.linalg.svdvals(s); torch.linalg.eigvals(spd).real; torch.linalg.eig(spd)[0].real; torch.linalg.eigvalsh(spd)
torch.linalg.eigh(spd)[0]; torch.linalg.cond(s + 5 * eye); torch.linalg.matrix_rank(s); torch.pinverse(s + 5 * eye)
torch.linalg.solve(s + 5 * eye, s); torch.linalg.lstsq(s + 5 * eye, s)[0]; torch.linalg.tensorinv(s + 5 * eye, 1)
torch.linalg.tensorsolve(s + 5 * eye, u); torch.geqrf(s)[0]; torch.linalg.householder_product(s, u); torch.orgqr(s, u)
torch.ormqr(s, u, s); torch.triangular_solve(s, spd)[0]; F.avg_pool3d(im3, 2); F.adaptive_avg_pool3d(im3, 2)
F.max_pool3d(im3, 2); F.max_pool3d(im3, 2, return_indices=True)[0]; F.adaptive_max_pool3d(im3, 2)
F.max_unpool2d(*F.max_pool2d(im2, 3, return_indices=True), 3); F.max_unpool1d(*F.max_pool1d(im1, 3, return_indices=True), 3)
F.fractional_max_pool2d(im2, 2, (3, 3), _random_samples=samples); F.grid_sample(im2, grid, align_corners=False)
F.pad(im1, (1, 1), mode="reflect"); F.pad(im2, (1, 1, 1, 1), mode="reflect"); F.pad(im3, (1,) * 6, mode="reflect")
F.pad(im1, (1, 1), mode="replicate"); F.pad(im2, (1, 1, 1, 1), mode="replicate"); F.pad(im3, (1,) * 6, mode="replicate")
F.pad(im1, (1, 1), mode="circular"); F.pad(im1, (1, 1))
"""

MIXED = """
torch.cat([x, y]); torch.stack([x, y]); torch.vstack([x, y]); torch.hstack([x, y]); torch.dstack([x, y])
torch.column_stack([x, y]); torch.concat([x, y]); torch.concatenate([x, y], 1); x.index_copy(0, first, y[:2])
torch.cat([x, y.to(half)]); torch.stack([x, y.to(half)]); torch.vstack([x, y.to(half)]); torch.cat([x.to(half), y.double()])
torch.cat([classes, classes]); torch.cat([classes, y[:, 0].to(half)]); torch.stack([x.to(half), y.to(half)])
x + y.to(half); torch.where(x > 0, x, y.to(half)); x.to(half) @ y.T; F.linear(x.to(half), w, b); F.mse_loss(x.to(half), y)
torch.einsum("ij,kj->ik", x, y.to(half)); F.l1_loss(x, y.to(half)); torch.add(x.to(half), 1.5); torch.block_diag(x, y)
torch.cartesian_prod(v, b); torch.meshgrid(v, b, indexing="ij")[0]; torch.atleast_3d(x)
"""

AS_IT_COMES = """
x.softmax(1); x.log_softmax(1); F.softmax(x, 1); F.log_softmax(x, 1); F.softmin(x, 1); F.layer_norm(x, (6,))
F.layer_norm(x, (6,), v, v); F.group_norm(im2, 2); F.batch_norm(im2, None, None, training=True); F.instance_norm(im2)
F.rms_norm(x, (6,)); F.local_response_norm(im2, 2); F.normalize(x); x.sum(); x.sum(1); x.mean(); x.mean(0); x.cumsum(0)
x.cumprod(0); x.exp(); x.log1p(); x.abs().sqrt(); x.abs().rsqrt(); x.sigmoid(); x.tanh(); x.relu(); x.erf(); x.sin(); x.cos()
x.pow(2); x**3; x.square(); x.neg(); x.abs(); x.reciprocal(); x.expm1(); x.sinh(); x.cosh(); x.atan(); x.floor(); x.round()
x.clamp(-1, 1); x + y; x - y; x * y; x / y; x.maximum(y); x.minimum(y); torch.lerp(x, y, 0.5); torch.addcmul(x, y, z)
torch.addcdiv(x, y, z + 9); torch.hypot(x, y); torch.atan2(x, y); torch.logaddexp(x, y); torch.logsumexp(x, 1); x.max(); x.min()
x.amax(1); x.argmax(1); x.max(1)[0]; x.median(); x.sort(1)[0]; x.topk(2)[0]; x.norm(); torch.linalg.norm(x)
torch.linalg.vector_norm(x); torch.linalg.matrix_norm(x.float())
x.var(); x.std(1); x.logcumsumexp(1); x.nansum(); x.renorm(2, 0, 1.0)
F.relu(x); F.gelu(x); F.gelu(x, approximate="tanh"); F.silu(x); F.mish(x); F.elu(x); F.selu(x); F.celu(x); F.leaky_relu(x)
F.softplus(x); F.logsigmoid(x); F.hardswish(x); F.hardtanh(x); F.hardsigmoid(x); F.relu6(x); F.softsign(x); F.tanhshrink(x)
F.softshrink(x); F.hardshrink(x); F.threshold(x, 0.1, 2.0); F.glu(x); F.dropout(x, 0.0); F.avg_pool1d(im1, 2)
F.avg_pool2d(im2, 2); F.max_pool1d(im1, 2); F.max_pool2d(im2, 2); F.adaptive_avg_pool2d(im2, 2); F.adaptive_max_pool2d(im2, 2)
F.lp_pool2d(im2, 2, 2); F.interpolate(im2, scale_factor=2.0); F.interpolate(im2, scale_factor=2.0, mode="bilinear")
F.pixel_shuffle(im2, 2); F.unfold(im2, 3); F.fold(F.unfold(im2, 3), (9, 9), 3); F.embedding(classes, w); x.T; x.flatten()
x.reshape(6, 4); x.unsqueeze(0); x.permute(1, 0); x.tril(); x.flip(0); x.roll(1); x.repeat(2, 1); x.gather(1, classes[:, None])
x.masked_fill(x > 0, 0.0); x.index_select(0, first); x.diagonal(); torch.diag(v); x.float(); x.to(half); torch.diff(x)
x.clone()
torch.bucketize(x, v.sort()[0]); torch.histc(x.float()); torch.isclose(x, y); x == y; x > y; torch.allclose(x, y); x.bool()
torch.take_along_dim(x, classes[:, None], 1); torch.nan_to_num(x); torch.sinc(x); torch.frac(x); torch.sign(x); torch.rot90(x)
torch.logit(x.sigmoid()); torch.lgamma(x.abs() + 1); torch.digamma(x.abs() + 1); torch.xlogy(x, y.abs()); torch.copysign(x, y)
"""


def parted(text: str) -> list[str]:
    """Return the expressions of a text."""
    return [each.strip() for each in text.replace("\n", ";").split(";") if each.strip()]


EXPRESSIONS = parted(PRODUCTS + FLOAT32 + MIXED + AS_IT_COMES)


def names(library, functions, dtype: str, half: str) -> dict:
    """Return what expressions are made of, the same numbers in each library."""
    random = np.random.default_rng(0)
    made = {name: library.tensor(random.standard_normal(shape)).float() for name, shape in ARRAYS.items()}
    spd = library.tensor(np.diag([4.0, 3.0, 2.0, 1.5]) + 0.25).float()
    floats = {**made, "spd": spd, "eye": library.eye(4), "samples": library.tensor(random.random((2, 4, 2))).float()}
    signs = np.sign(random.standard_normal((4, 6)))
    whole = {
        "classes": [0, 3, 5, 2], "labels": [[0, 1, -1, 2]] * 4, "first": [0, 2], "places": random.integers(0, 4, (2, 9)),
    }  # fmt: skip
    return {
        **{name: each.to(getattr(library, dtype)) for name, each in floats.items()},
        **{name: library.tensor(np.array(each)) for name, each in whole.items()},
        "signs": library.tensor(signs).to(getattr(library, dtype)),
        "half": getattr(library, half), "torch": library, "F": functions,
    }  # fmt: skip


def found(library, functions, expression: str, dtype: str, half: str):
    """Return the dtype and the numbers of a result, or the kind of error."""
    space = names(library, functions, dtype, half)
    with warnings.catch_warnings(), library.autocast("cpu", dtype=getattr(library, half)):
        warnings.simplefilter("ignore")
        try:
            y = eval(expression, space)
        except Exception as error:
            return type(error).__name__, None
        if isinstance(y, bool):
            return "bool", np.array(y)
        numbers = y.detach().to(library.complex128 if y.is_complex() else library.float64)
        return str(y.dtype), np.array(numbers.tolist())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_results_have_pytorchs_dtype_and_numbers(expression, dtype):
    wanted, numbers = found(torch, torch.nn.functional, expression, dtype, "bfloat16")
    got, own = found(lineal, functional, expression, dtype, "bfloat16")
    if numbers is None:
        pytest.skip(f"PyTorch raises {wanted}")
    assert got == wanted, f"{expression}: {got}, where PyTorch gives {wanted}"
    size = np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0)
    if "int" not in wanted:
        np.testing.assert_allclose(own, numbers, rtol=NARROW["bfloat16"], atol=NARROW["bfloat16"] * size)


def test_there_are_more_than_two_hundred_expressions():
    assert len(set(EXPRESSIONS)) >= 200


MODULES = """
nn.LSTM(6, 5)(t); nn.LSTM(6, 5, proj_size=3)(t); nn.GRU(6, 5)(t); nn.RNN(6, 5)(t); nn.LSTMCell(6, 5)(x); nn.GRUCell(6, 5)(x)
nn.LSTM(6, 5)(nn.utils.rnn.pack_padded_sequence(t, [2] * 4)); nn.GRU(6, 5)(nn.utils.rnn.pack_padded_sequence(t, [2] * 4))
nn.RNNCell(6, 5)(x); nn.MultiheadAttention(6, 2)(t, t, t); nn.TransformerEncoderLayer(6, 2, 8)(t); nn.Bilinear(6, 6, 2)(x, y)
nn.BatchNorm1d(6)(x); nn.Sequential(nn.Linear(6, 4), nn.ReLU())(x); nn.Conv2d(4, 4, 3)(im2); nn.Embedding(6, 4)(classes)
"""


def kinds(result) -> list[str]:
    """Return the dtypes of all tensors of a result."""
    if isinstance(result, (list, tuple)):
        return [kind for each in result for kind in kinds(each)]
    return [str(result.dtype)] if hasattr(result, "dtype") else []


@pytest.mark.parametrize("expression", parted(MODULES))
def test_modules_give_pytorchs_dtypes(expression):
    found = []
    for library in (torch, lineal):
        space = {**names(library, None, "float32", "bfloat16"), "nn": library.nn}
        with warnings.catch_warnings(), library.autocast("cpu"):
            warnings.simplefilter("ignore")
            found.append(kinds(eval(expression, space)))
    assert found[0] == found[1] and found[0]


def mlp(nn):
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.LayerNorm(32), nn.Linear(32, 4)), (32, 12)


def cnn(nn):
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 4)
    return nn.Sequential(*layers), (32, 1, 8, 8)


def curve(library, model, x, y, half) -> list[float]:
    """Return the losses of forty steps of Adam under autocast with a scaler whose scale begins too large for float16."""
    optimizer = library.optim.Adam(model.parameters(), lr=0.01)
    scaler = library.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=100)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        with library.autocast("cpu", dtype=getattr(library, half)):
            loss = library.nn.functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    return [*losses, scaler.get_scale()]


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
@pytest.mark.parametrize("made", [mlp, cnn])
def test_trainings_have_pytorchs_losses_within_the_noise_of_half_precision(made, half):
    torch.manual_seed(0)
    theirs, shape = made(torch.nn)
    ours, _ = made(lineal.nn)
    ours.load_state_dict({name: lineal.tensor(each.detach().numpy()) for name, each in theirs.state_dict().items()})
    random = np.random.default_rng(0)
    x, y = random.standard_normal(shape).astype(np.float32), random.integers(0, 4, shape[0])
    *wanted, scale = curve(torch, theirs, torch.tensor(x), torch.tensor(y), half)
    *got, own = curve(lineal, ours, lineal.tensor(x), lineal.tensor(y), half)
    assert own == scale and wanted[-1] < 0.7 * wanted[0]
    np.testing.assert_allclose(got, wanted, atol=0.03)


def attention(library, x, half, need_weights, masked, compiled):
    """Return what attention of two heads with the same weights gives, and the gradient by its input."""
    random, layer = np.random.default_rng(1), library.nn.MultiheadAttention(8, 2, batch_first=True)
    state = {name: library.tensor(random.standard_normal(tuple(each.shape))) for name, each in layer.state_dict().items()}
    layer.load_state_dict({name: each.float() for name, each in state.items()})
    mask = library.ones(x.shape[1], x.shape[1]).triu(1).bool() if masked else None

    def attend(x):
        with library.autocast("cpu", dtype=getattr(library, half)):
            return [each for each in layer(x, x, x, need_weights=need_weights, attn_mask=mask) if each is not None]

    attend, x = lineal.compile(attend) if compiled else attend, library.tensor(x).requires_grad_()
    for _ in range(3 if compiled else 1):
        ys = attend(x)
    return [*ys, *library.autograd.grad(ys[0].float().square().sum(), x)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("half", ["bfloat16", "float16"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
def test_attention_of_heads_has_pytorchs_dtypes_and_numbers(need_weights, masked, half, compiled):
    x = np.random.default_rng(0).standard_normal((2, 5, 8)).astype(np.float32)
    theirs = attention(torch, x, half, need_weights, masked, False)
    ours = attention(lineal, x, half, need_weights, masked, compiled)
    assert kinds(theirs) == kinds(ours)
    for wanted, got in zip(theirs, ours, strict=True):
        wanted, got = (np.array(each.detach().double().tolist()) for each in (wanted, got))
        np.testing.assert_allclose(got, wanted, rtol=4 * NARROW[half], atol=2 * NARROW[half] * np.abs(wanted).max())
