"""Lines that reduce, scan, normalise, sort and multiply."""

from __future__ import annotations

from fuzz.drafts import Draft

REDUCTIONS = """
sum mean amax amin var std logsumexp prod_ norm max_ min_ argmax argmin all any count nansum nanmean softmax log_softmax cumsum
cumprod_ cummax_ cummin_ logcumsumexp median_ kthvalue_ aminmax_ var_mean_ std_mean_ norm1 norminf norm3 sumall meanall maxall
minall varall normall argmaxall softmin normalize sumdims amaxdims meandims sort_ argsort topk_ trapezoid cov quantile mode_
squaresum sumtype medianall prodall
""".split()
FORMS = {
    "prod_": "torch.tanh({x}).prod({a}, keepdim={k})",
    "norm": "{x}.norm(dim={a}, keepdim={k})",
    "max_": "{x}.max({a}, keepdim={k})",
    "min_": "{x}.min({a}, keepdim={k})",
    "argmax": "{x}.argmax({a}, keepdim={k})",
    "argmin": "{x}.argmin({a}, keepdim={k})",
    "all": "({x} > -1).all({a})",
    "any": "({x} > 1).any({a}, keepdim={k})",
    "count": "torch.count_nonzero({x}, {a})",
    "softmax": "torch.softmax({x}, {a})",
    "log_softmax": "torch.log_softmax({x}, {a})",
    "softmin": "F.softmin({x}, {a})",
    "cumsum": "torch.cumsum({x}, {a})/{n}",
    "cumprod_": "torch.cumprod(torch.tanh({x})+0.2, {a})",
    "cummax_": "torch.cummax({x}, {a})",
    "cummin_": "torch.cummin({x}, {a})",
    "logcumsumexp": "torch.logcumsumexp({x}, {a})",
    "median_": "torch.median({x}, {a})",
    "kthvalue_": "torch.kthvalue({x}, {n}, {a})",
    "mode_": "torch.mode({x}, {a})",
    "aminmax_": "torch.aminmax({x}, dim={a}, keepdim={k})",
    "var_mean_": "torch.var_mean({x}, {a})",
    "std_mean_": "torch.std_mean({x}, {a})",
    "norm1": "{x}.norm(1, {a})",
    "norminf": "torch.linalg.vector_norm({x}, torch.inf, {a})",
    "norm3": "torch.linalg.vector_norm({x}, 3, {a})",
    "sumall": "{x}.sum()",
    "meanall": "{x}.mean()",
    "maxall": "{x}.max()",
    "minall": "{x}.min()",
    "varall": "{x}.var(correction=0)",
    "normall": "{x}.norm()",
    "argmaxall": "{x}.argmax()",
    "normalize": "F.normalize({x}, dim={a})",
    "sumdims": "{x}.sum((0, -1), keepdim={k})",
    "amaxdims": "{x}.amax((0, -1))",
    "meandims": "{x}.mean((0, -1), keepdim={k})",
    "sort_": "torch.sort({x}, {a})",
    "argsort": "torch.argsort({x}, {a})",
    "topk_": "torch.topk({x}, {n}, {a})",
    "trapezoid": "torch.trapezoid({x}, dim={a})",
    "cov": "torch.cov({x})",
    "quantile": "torch.quantile({x}, 0.3, dim={a})",
    "squaresum": "{x}.square().sum({a}, keepdim={k})",
    "sumtype": "{x}.sum({a}, dtype=torch.float64)",
    "medianall": "{x}.median()",
    "prodall": "torch.tanh({x}).prod()",
    "var": "{x}.var({a}, correction=0, keepdim={k})",
    "std": "{x}.std({a}, correction=0, keepdim={k})",
}
PAIRS = "max_ min_ cummax_ cummin_ median_ kthvalue_ mode_ aminmax_ var_mean_ std_mean_ sort_ topk_".split()
NORMS = """
F.layer_norm({x},{s}) F.layer_norm({x},{s},{w},{w}) F.batch_norm({x},None,None,training=True) F.mse_loss({x},{y})
F.l1_loss({x},{y}) F.smooth_l1_loss({x},{y}) F.huber_loss({x},{y}) F.kl_div({x}.log_softmax(-1),{y}.softmax(-1))
F.binary_cross_entropy_with_logits({x},{y}.sigmoid()) F.cosine_similarity({x},{y},dim=-1) F.cross_entropy({x},{y}.argmax(-1))
F.cross_entropy({x},{y}.softmax(-1)) F.nll_loss({x}.log_softmax(-1),{y}.argmax(-1)) F.pairwise_distance({x},{y})
torch.renorm({x},2,0,1.0) torch.cdist({x},{y}) F.glu(torch.cat([{x},{y}],-1)) F.mse_loss({x},{y},reduction='sum')
F.binary_cross_entropy({x}.sigmoid(),{y}.sigmoid())
""".replace("\n", " ").split(" ")
NORMS = [each for each in NORMS if each]
PRODUCTS = (
    "{x} @ {y}.mT",
    "{x}.mT @ {y}",
    "torch.matmul({x}, {y}.mT)/{n}",
    "torch.einsum('...i,...i->...', {x}, {y})",
    "F.linear({x}, {y})",
    "torch.addmm({x}[:, :1], {x}, {y}.mT)",
    "{x} @ {y}[0]",
    "torch.mv({x}, {y}[0])",
    "torch.dot({x}.reshape(-1), {y}.reshape(-1))",
    "torch.tensordot({x}, {y}, {d})",
    "torch.inner({x}, {y})",
    "torch.kron({x}, {y})",
    "torch.einsum('ij,kj->ik', {x}, {y})",
    "torch.outer({x}[0], {y}[0])",
    "F.linear({x}, {y}, {y}.sum(-1))",
    "torch.bmm({x}[None], {y}[None].mT)",
    "{x}[None].expand(3, *{x}.shape) @ {y}.mT",
    "torch.einsum('ij,ij->', {x}, {y})",
    "torch.einsum('ij->ji', {x}) @ {y}",
    "torch.chain_matmul({x}, {y}.mT, {x})",
    "torch.trace({x})",
)
SQUARE = (
    "torch.linalg.solve({A}, {B})",
    "torch.linalg.inv({A})",
    "torch.linalg.cholesky({A})",
    "torch.linalg.det({A})",
    "torch.linalg.slogdet({A})[1]",
    "torch.logdet({A})",
    "torch.linalg.inv({A}) @ {B}",
    "torch.linalg.eigvalsh({A})",
    "torch.linalg.svdvals({A})",
    "torch.linalg.solve_triangular(torch.linalg.cholesky({A}), {B}, upper=False)",
    "torch.cholesky_solve({B}, torch.linalg.cholesky({A}))",
    "torch.linalg.qr({A})[1].abs()",
    "torch.linalg.lstsq({A}, {B}).solution",
    "torch.linalg.matrix_norm({A})",
    "torch.linalg.pinv({A})",
    "torch.matrix_power({A}/{n}, 2)",
    "torch.linalg.matrix_exp({A}/(4*{n}))",
    "torch.linalg.eigh({A})[0]",
    "torch.linalg.lu_solve(*torch.linalg.lu_factor({A}), {B})",
)


def reduced(d: Draft) -> None:
    x = d.float(lambda x: x.numel() > 0 or d.chance(0.3))
    if x is None:
        return
    name = d.choice(REDUCTIONS)
    rank = d.tensor(x).dim()
    axis = d.integer(0, max(rank, 1)) - (rank if d.chance(0.3) else 0)
    size = d.tensor(x).shape[axis] if rank else 1
    form = FORMS.get(name) or f"{{x}}.{name}({{a}}, keepdim={{k}})"
    d.let(form.format(x=x, a=axis, k=d.chance(0.5), n=d.integer(1, max(size, 1) + 1)), 2 if name in PAIRS else 1)


def reduced_whole(d: Draft) -> None:
    x = d.pick(lambda x: not x.is_floating_point() and not x.is_complex() and x.dim() > 0)
    if x is not None:
        forms = (
            "{x}.sum({a})",
            "{x}.sum()",
            "{x}.long().cumsum({a})",
            "{x}.long().amax({a})",
            "{x}.any({a})",
            "{x}.all()",
            "{x}.long().argmax({a})",
            "{x}.float().mean({a})",
            "{x}.long().sort({a})[0]",
            "torch.count_nonzero({x}, {a})",
            "{x}.long().prod({a}) % 5",
            "{x}.long().min()",
            "torch.bincount({x}.long().abs().reshape(-1), minlength=4)[:4]",
        )
        d.let(d.choice(forms).format(x=x, a=d.integer(0, d.tensor(x).dim())))


def normed(d: Draft) -> None:
    x = d.float(lambda x: x.dim() > 0 and x.numel() > 0)
    if x is not None:
        last = d.tensor(x).shape[-1:]
        w = d.pick(lambda y: tuple(y.shape) == tuple(last) and y.dtype == d.tensor(x).dtype)
        d.let(d.choice(NORMS).format(x=x, y=d.like(x), s=tuple(last), w=w or "None"))


def product(d: Draft) -> None:
    x = d.float(lambda x: x.dim() == 2) if d.chance(0.8) else d.float(lambda x: x.dim() >= 2)
    if x is None:
        return
    value = d.tensor(x)
    other = d.float(lambda y: y.dim() == 2 and y.dtype == value.dtype and y.shape[-1:] == value.shape[-1:])
    fits = d.float(lambda y: y.dim() in (1, 2) and y.dtype == value.dtype and y.shape[0] == value.shape[-1])
    if fits is not None and d.chance(0.3):
        d.let(f"{x} @ {fits}")
        return
    d.let(d.choice(PRODUCTS).format(x=x, y=other or x, n=max(value.shape[-1], 1), d=d.integer(0, 3)))


def solved(d: Draft) -> None:
    x = d.float(
        lambda x: x.dim() >= 2 and 0 < x.shape[-2] <= 12 and x.dtype in (d.names["torch"].float32, d.names["torch"].float64)
    )
    if x is None:
        return
    n, dtype = d.tensor(x).shape[-2], str(d.tensor(x).dtype).split(".")[-1]
    found = d.let(f"torch.tanh({x}) @ torch.tanh({x}).mT + {n} * torch.eye({n}, dtype=torch.{dtype})")
    if found:
        d.let(d.choice(SQUARE).format(A=found[0], B=x, n=n))
