"""What `python benchmarks/ops.py` measures: ops by family, each a call of a library, what it is given, and its dtypes.

Letters of what is given, r × c numbers unless said otherwise: x, y and z normal, p positive, u between 0 and 1, o in order
along the last axis, t zeros and ones, m a mask, d what is written to, r and w a row, v a vector as long, k a column, s a square
matrix of c × c, a and b batches of small matrices, n images, q kernels, i a class for each row, j a place along the last axis
for each number, l a list of rows, 1 a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

CONSTANT = "ilmjtd"
"""What is not differentiated."""


class Entry(NamedTuple):
    """One op: how it is called with a library and what is given, for which dtypes."""

    given: str
    call: Callable[..., Any]
    dtypes: str = "f b i c"
    backward: bool = True
    """Whether it is differentiated, where the dtype allows it."""
    streams: bool = False
    """Whether it does little but read and write memory: its bandwidth is shown."""
    most: int = 2048
    """The longest side it is measured at."""


def named(names: str, given: str, dtypes: str, backward: bool = True, streams: bool = False) -> dict[str, Entry]:
    """Return the entries of functions that are called by their names alone."""
    return {name: Entry(given, calling(name), dtypes, backward, streams) for name in names.split()}


def calling(name: str) -> Callable[..., Any]:
    return lambda t, *given: getattr(t, name)(*given)


def functional(names: str, given: str, dtypes: str = "f b") -> dict[str, Entry]:
    """Return the entries of functions of `nn.functional` that are called by their names alone."""
    return {name: Entry(given, posed(name), dtypes) for name in names.split()}


def posed(name: str) -> Callable[..., Any]:
    return lambda t, *given: getattr(t.nn.functional, name)(*given)


def along(names: str, given: str, dtypes: str, backward: bool = True) -> dict[str, Entry]:
    """Return the entries of functions along the last axis and along the first."""
    axes = {f"{name}({axis})": (name, axis) for axis in (-1, 0) for name in names.split()}
    return {words: Entry(given, lengthwise(*each), dtypes, backward) for words, each in axes.items()}


def lengthwise(name: str, axis: int) -> Callable[..., Any]:
    return lambda t, x: getattr(t, name)(x, axis)


def whole(names: str, given: str, dtypes: str, backward: bool = True) -> dict[str, Entry]:
    """Return the entries of functions of all numbers, along the last axis and along the first."""
    return named(names, given, dtypes, backward) | along(names, given, dtypes, backward)


ELEMENTWISE = {
    **named("neg abs square", "x", "f b i c", streams=True),
    **named("exp sin cos tanh sigmoid", "x", "f b c"),
    **named("log sqrt reciprocal", "p", "f b c"),
    **named("expm1 erf relu sinh cosh", "x", "f b"),
    **named("log1p log2 rsqrt lgamma digamma", "p", "f b"),
    **named("asin atanh logit erfinv", "u", "f b"),
    **named("tan atan", "x", "f b c"),
    **named("sign floor round", "x", "f b", backward=False, streams=True),
    **named("isnan isfinite", "x", "f b i c", backward=False),
    **functional("gelu silu mish softplus elu selu leaky_relu hardtanh hardswish logsigmoid", "x"),
    **named("bitwise_not", "x", "i", backward=False, streams=True),
    **named("add mul sub", "xy", "f b i c", streams=True),
    **named("div", "xp", "f b c", streams=True),
    **named("maximum minimum", "xy", "f b i", streams=True),
    **named("atan2 hypot logaddexp fmod remainder", "xp", "f b"),
    **named("eq lt", "xy", "f b i", backward=False),
    **named("bitwise_and gcd", "xy", "i", backward=False),
    "add row": Entry("xr", lambda t, x, r: x + r),
    "mul column": Entry("xk", lambda t, x, k: x * k),
    "mul number": Entry("x", lambda t, x: x * 2, streams=True),
    "pow 3": Entry("x", lambda t, x: x**3),
    "pow": Entry("px", lambda t, p, x: p**x, "f b c"),
    "clamp": Entry("x", lambda t, x: x.clamp(-1, 1), "f b i", streams=True),
    "where": Entry("mxy", lambda t, m, x, y: t.where(m, x, y)),
    "masked_fill": Entry("xm", lambda t, x, m: x.masked_fill(m, 0)),
    "lerp": Entry("xy", lambda t, x, y: t.lerp(x, y, 0.25), "f b c"),
    "addcmul": Entry("xyz", lambda t, x, y, z: t.addcmul(x, y, z, value=2), "f b i c"),
    "glu": Entry("x", lambda t, x: t.nn.functional.glu(x), "f b"),
    "prelu": Entry("x1", lambda t, x, w: t.nn.functional.prelu(x, w), "f b"),
    "x.add_": Entry("d", lambda t, d: d.add_(1), backward=False, streams=True),
    "to float64": Entry("x", lambda t, x: x.to(t.float64), "f b i", backward=False),
    "to int64": Entry("x", lambda t, x: x.to(t.int64), "f b", backward=False),
}

REDUCTIONS = {
    **whole("sum", "x", "f b i c"),
    **whole("mean", "x", "f b c"),
    **whole("var std", "x", "f b"),
    **whole("amax amin", "x", "f b i"),
    **whole("argmax", "x", "f b i", backward=False),
    **whole("all any count_nonzero", "x", "f i", backward=False),
    **along("logsumexp", "x", "f b"),
    **named("max min", "x", "f b i"),
    **named("norm nansum", "x", "f b"),
    "prod": Entry("p", lambda t, p: p.prod(), "f i"),
    "prod(-1)": Entry("p", lambda t, p: p.prod(-1), "f b i c"),
    "max(-1)": Entry("x", lambda t, x: x.max(-1), "f b i"),
    "min(0)": Entry("x", lambda t, x: x.min(0), "f b i"),
    "aminmax": Entry("x", lambda t, x: x.aminmax(), "f b i"),
    "norm(-1)": Entry("x", lambda t, x: x.norm(dim=-1), "f b c"),
    "norm(0)": Entry("x", lambda t, x: x.norm(dim=0), "f b c"),
    "norm 1": Entry("x", lambda t, x: x.norm(1, -1), "f b"),
    "vector_norm inf": Entry("x", lambda t, x: t.linalg.vector_norm(x, float("inf"), -1), "f b"),
    "var_mean(-1)": Entry("x", lambda t, x: t.var_mean(x, -1), "f b"),
    "dist": Entry("xy", lambda t, x, y: t.dist(x, y), "f b"),
    "trace": Entry("s", lambda t, s: t.trace(s), "f i c"),
    "trapezoid": Entry("x", lambda t, x: t.trapezoid(x), "f b"),
    "cov": Entry("x", lambda t, x: t.cov(x), "f", most=512),
}

ROWS = {
    "softmax(-1)": Entry("x", lambda t, x: t.softmax(x, -1), "f b"),
    "softmax(0)": Entry("x", lambda t, x: t.softmax(x, 0), "f b"),
    "log_softmax(-1)": Entry("x", lambda t, x: t.log_softmax(x, -1), "f b"),
    "layer_norm": Entry("xrw", lambda t, x, r, w: t.nn.functional.layer_norm(x, x.shape[-1:], w, r), "f b"),
    "rms_norm": Entry("xw", lambda t, x, w: t.nn.functional.rms_norm(x, x.shape[-1:], w), "f b"),
    "group_norm": Entry("n", lambda t, n: t.nn.functional.group_norm(n, 2), "f b"),
    "batch_norm": Entry("x", lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True), "f b"),
    "normalize": Entry("x", lambda t, x: t.nn.functional.normalize(x), "f b"),
    "cosine_similarity": Entry("xy", lambda t, x, y: t.cosine_similarity(x, y), "f b"),
    "cross_entropy": Entry("xi", lambda t, x, i: t.nn.functional.cross_entropy(x, i), "f b"),
    "cross_entropy, smoothed": Entry("xi", lambda t, x, i: t.nn.functional.cross_entropy(x, i, label_smoothing=0.1), "f b"),
    "nll_loss": Entry("xi", lambda t, x, i: t.nn.functional.nll_loss(x, i), "f b"),
    **functional("mse_loss l1_loss smooth_l1_loss huber_loss soft_margin_loss", "xy"),
    **functional("binary_cross_entropy_with_logits", "xt"),
    **functional("binary_cross_entropy", "ut"),
    "kl_div": Entry("xu", lambda t, x, u: t.nn.functional.kl_div(x, u, reduction="batchmean"), "f b"),
    "gaussian_nll_loss": Entry("xyp", lambda t, x, y, p: t.nn.functional.gaussian_nll_loss(x, y, p), "f"),
    "poisson_nll_loss": Entry("xp", lambda t, x, p: t.nn.functional.poisson_nll_loss(x, p), "f b"),
    "cosine_embedding_loss": Entry("xy", lambda t, x, y: t.nn.functional.cosine_embedding_loss(x, y, t.ones(len(x))), "f"),
    "triplet_margin_loss": Entry("xyz", lambda t, x, y, z: t.nn.functional.triplet_margin_loss(x, y, z), "f b"),
}

SCANS = {
    **along("cumsum", "x", "f b i c"),
    **along("cumprod", "p", "f b i"),
    **along("cummax cummin", "x", "f b i"),
    **along("logcumsumexp", "x", "f b"),
    "cumulative_trapezoid": Entry("x", lambda t, x: t.cumulative_trapezoid(x), "f b"),
    "diff": Entry("x", lambda t, x: x.diff(), "f b i c"),
}

RANDOM = {
    "rand": Entry("x", lambda t, x: t.rand(x.shape, dtype=x.dtype), "f b", backward=False),
    "randn": Entry("x", lambda t, x: t.randn(x.shape, dtype=x.dtype), "f b c", backward=False),
    "randint": Entry("x", lambda t, x: t.randint(0, 100, x.shape), "i", backward=False),
    "randperm": Entry("x", lambda t, x: t.randperm(x.numel()), "i", backward=False),
    "bernoulli": Entry("u", lambda t, u: t.bernoulli(u), "f b", backward=False),
    "multinomial": Entry("u", lambda t, u: t.multinomial(u, 3), "f", backward=False),
    "multinomial, replaced": Entry("u", lambda t, u: t.multinomial(u, 64, replacement=True), "f", backward=False),
    "normal_": Entry("d", lambda t, d: d.normal_(), "f b", backward=False),
    "uniform_": Entry("d", lambda t, d: d.uniform_(), "f b", backward=False),
    "exponential_": Entry("d", lambda t, d: d.exponential_(), "f", backward=False),
    "cauchy_": Entry("d", lambda t, d: d.cauchy_(), "f", backward=False),
    "geometric_": Entry("d", lambda t, d: d.geometric_(0.3), "f", backward=False),
    "dropout": Entry("x", lambda t, x: t.nn.functional.dropout(x, 0.3), "f b"),
    "poisson": Entry("p", lambda t, p: t.poisson(p), "f", backward=False),
}

SORTING = {
    "sort(-1)": Entry("x", lambda t, x: t.sort(x, -1), "f b i"),
    "sort(0)": Entry("x", lambda t, x: t.sort(x, 0), "f b i"),
    "sort, flat": Entry("x", lambda t, x: t.sort(x.reshape(-1)), "f i"),
    "argsort(-1)": Entry("x", lambda t, x: t.argsort(x, -1), "f b i", backward=False),
    "topk 4": Entry("x", lambda t, x: t.topk(x, 4), "f b i"),
    "topk, half": Entry("x", lambda t, x: t.topk(x, x.shape[-1] // 2), "f b i"),
    "median": Entry("x", lambda t, x: t.median(x), "f b i"),
    "median(-1)": Entry("x", lambda t, x: t.median(x, -1), "f b i"),
    "kthvalue": Entry("x", lambda t, x: t.kthvalue(x, 3), "f b i"),
    "mode": Entry("x", lambda t, x: t.mode(x, -1), "i", backward=False, most=512),
    "quantile(-1)": Entry("x", lambda t, x: t.quantile(x, 0.3, -1), "f"),
    "unique": Entry("x", lambda t, x: t.unique(x), "f i", backward=False),
    "unique, inverse": Entry("x", lambda t, x: t.unique(x, return_inverse=True, return_counts=True), "i", backward=False),
    "unique_consecutive": Entry("x", lambda t, x: t.unique_consecutive(x), "f i", backward=False),
    "searchsorted": Entry("ox", lambda t, o, x: t.searchsorted(o, x), "f i", backward=False),
    "bucketize": Entry("xv", lambda t, x, v: t.bucketize(x, v.sort().values), "f i", backward=False),
    "histc": Entry("x", lambda t, x: t.histc(x, 50, -3, 3), "f", backward=False),
    "bincount": Entry("j", lambda t, j: t.bincount(j.reshape(-1)), "i", backward=False),
    "isin": Entry("xv", lambda t, x, v: t.isin(x, v), "f i", backward=False),
}

MOVING = {
    "clone": Entry("x", lambda t, x: x.clone(), streams=True),
    "contiguous of .T": Entry("x", lambda t, x: x.T.contiguous()),
    "cat(0)": Entry("xy", lambda t, x, y: t.cat([x, y], 0)),
    "cat(1)": Entry("xy", lambda t, x, y: t.cat([x, y], 1)),
    "stack": Entry("xy", lambda t, x, y: t.stack([x, y])),
    "flip": Entry("x", lambda t, x: x.flip(-1)),
    "roll": Entry("x", lambda t, x: x.roll(3, 0)),
    "repeat": Entry("x", lambda t, x: x.repeat(2, 1), most=1024),
    "pad": Entry("x", lambda t, x: t.nn.functional.pad(x, (1, 1, 1, 1))),
    "tril": Entry("x", lambda t, x: x.tril()),
    "index_select": Entry("xl", lambda t, x, l: x.index_select(0, l)),
    "x[rows]": Entry("xl", lambda t, x, l: x[l]),
    "x[1:, ::2]": Entry("x", lambda t, x: x[1:, ::2].clone()),
    "x[mask]": Entry("xm", lambda t, x, m: x[m]),
    "gather": Entry("xj", lambda t, x, j: x.gather(1, j)),
    "scatter": Entry("xjy", lambda t, x, j, y: x.scatter(1, j, y)),
    "scatter_add": Entry("xjy", lambda t, x, j, y: x.scatter_add(1, j, y)),
    "index_add": Entry("xly", lambda t, x, l, y: x.index_add(0, l, y)),
    "take_along_dim": Entry("xj", lambda t, x, j: t.take_along_dim(x, j, 1)),
    "embedding": Entry("lx", lambda t, l, x: t.nn.functional.embedding(l, x), "f b"),
    "nonzero": Entry("m", lambda t, m: m.nonzero(), "i", backward=False),
    "zeros": Entry("x", lambda t, x: t.zeros(x.shape, dtype=x.dtype), backward=False),
    "full": Entry("x", lambda t, x: t.full(x.shape, 2, dtype=x.dtype), backward=False),
    "arange": Entry("x", lambda t, x: t.arange(x.numel(), dtype=x.dtype), "f i", backward=False),
    "one_hot": Entry("i", lambda t, i: t.nn.functional.one_hot(i), "i", backward=False),
    "meshgrid": Entry("v", lambda t, v: t.meshgrid(v, v, indexing="ij")[0].clone(), "f"),
}

PRODUCTS = {
    "matmul": Entry("xs", lambda t, x, s: x @ s, most=512),
    "mv": Entry("xv", lambda t, x, v: x @ v),
    "outer": Entry("kv", lambda t, k, v: t.outer(k.reshape(-1), v)),
    "dot": Entry("xy", lambda t, x, y: t.dot(x.reshape(-1), y.reshape(-1))),
    "addmm": Entry("rxs", lambda t, r, x, s: t.addmm(r, x, s), "f b", most=512),
    "linear": Entry("xsr", lambda t, x, s, r: t.nn.functional.linear(x, s, r), "f b", most=512),
    "bmm": Entry("ab", lambda t, a, b: t.bmm(a, b), "f b i c", most=512),
    "einsum": Entry("ab", lambda t, a, b: t.einsum("bij,bjk->bik", a, b), "f b", most=512),
    "cdist": Entry("xy", lambda t, x, y: t.cdist(x, y), "f", most=256),
    "kron": Entry("x", lambda t, x: t.kron(x, x[:2, :2]), "f", most=512),
}

IMAGES = {
    "conv2d": Entry("nq", lambda t, n, q: t.nn.functional.conv2d(n, q, padding=1), "f b", most=512),
    "max_pool2d": Entry("n", lambda t, n: t.nn.functional.max_pool2d(n, 2), "f b"),
    "avg_pool2d": Entry("n", lambda t, n: t.nn.functional.avg_pool2d(n, 2), "f b"),
    "adaptive_avg_pool2d": Entry("n", lambda t, n: t.nn.functional.adaptive_avg_pool2d(n, 1), "f b"),
    "interpolate": Entry("n", lambda t, n: t.nn.functional.interpolate(n, scale_factor=2, mode="bilinear"), "f b", most=512),
    "attention": Entry("abb", lambda t, a, b, c: t.nn.functional.scaled_dot_product_attention(a, b, c), "f b", most=512),
}

LINALG = {
    "inv": Entry("s", lambda t, s: t.linalg.inv(s) + 0, "f c", most=512),
    "solve": Entry("sv", lambda t, s, v: t.linalg.solve(s, v), "f c", most=512),
    "det": Entry("s", lambda t, s: t.linalg.det(s), "f c", most=512),
    "cholesky": Entry("s", lambda t, s: t.linalg.cholesky(s @ s.mT), "f c", most=512),
    "qr": Entry("s", lambda t, s: t.linalg.qr(s), "f c", most=256),
    "eigvalsh": Entry("s", lambda t, s: t.linalg.eigvalsh(s + s.mH), "f c", most=256),
    "svdvals": Entry("s", lambda t, s: t.linalg.svdvals(s), "f c", most=256),
    "rfft": Entry("x", lambda t, x: t.fft.rfft(x), "f"),
    "fft": Entry("x", lambda t, x: t.fft.fft(x), "c"),
}

FAMILIES: dict[str, dict[str, Entry]] = {
    "elementwise": ELEMENTWISE,
    "reductions": REDUCTIONS,
    "rows": ROWS,
    "scans": SCANS,
    "random": RANDOM,
    "sorting": SORTING,
    "moving": MOVING,
    "products": PRODUCTS,
    "images": IMAGES,
    "linalg": LINALG,
}
