"""What a method writes in place through a view is what it writes into a copy of it, and nothing around the view changes."""

import numpy as np
import pytest

import lineal as torch

VIEWS = {
    "columns": lambda x: x[:, 2:6],
    "few columns": lambda x: x[:, 3:5],
    "a corner": lambda x: x[1:5, 2:6],
    "every other": lambda x: x[0:8:2, 1:8:2],
    "transposed": lambda x: x.t()[2:6, 1:7],
    "strided": lambda x: x.as_strided((4, 4), (9, 2), 10),
    "moved": lambda x: x.view(4, 2, 9)[:, 1, 2:7].t(),
    "nothing": lambda x: x[3:3, 2:6],
}

FLAGS = {"eq_", "ge_", "greater_", "greater_equal_", "gt_", "le_", "less_", "less_equal_", "lt_", "ne_", "not_equal_"}
PLAIN = """abs_ absolute_ acos_ arccos_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_ conj_physical_
cos_ cosh_ deg2rad_ digamma_ erf_ erfc_ erfinv_ exp2_ exp_ expm1_ fix_ floor_ frac_ i0_ lgamma_ log10_ log1p_
log2_ log_ logical_not_ logit_ nan_to_num_ neg_ negative_ rad2deg_ reciprocal_ relu_ round_ rsqrt_ sgn_
sigmoid_ sign_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ zero_ tril_ triu_""".split()
PAIRED = """add_ arctan2_ atan2_ copy_ copysign_ div_ divide_ float_power_ floor_divide_ fmod_ heaviside_ hypot_ igamma_
igammac_ logical_and_ logical_or_ logical_xor_ mul_ multiply_ nextafter_ pow_ remainder_ sub_ subtract_
true_divide_ xlogy_""".split()
OTHERS = {
    "acosh_": lambda v: v.add_(2).acosh_(),
    "arccosh_": lambda v: v.add_(2).arccosh_(),
    "addcdiv_": lambda v: v.addcdiv_(other(v), other(v) + 1, value=0.5),
    "addcmul_": lambda v: v.addcmul_(other(v), other(v) + 1, value=0.5),
    "addmm_": lambda v: v.addmm_(other(v)[:, :1], row(v)),
    "addmv_": lambda v: v[:, 0].addmv_(other(v), other(v)[0]) if v.numel() else v,
    "addr_": lambda v: v.addr_(other(v)[:, 0], other(v)[0]) if v.numel() else v,
    "addbmm_": lambda v: v.addbmm_(other(v)[None, :, :1], row(v)[None]),
    "baddbmm_": lambda v: v[None].baddbmm_(other(v)[None, :, :1], row(v)[None]),
    "clamp_": lambda v: v.clamp_(0.3, 0.6),
    "clip_": lambda v: v.clip_(0.3, 0.6),
    "clamp_min_": lambda v: v.clamp_min_(0.5),
    "apply_": lambda v: v.apply_(lambda number: number * 2 + 1),
    "map_": lambda v: v.map_(other(v), lambda number, factor: number * factor + 1),
    "clamp_max_": lambda v: v.clamp_max_(0.5),
    "cumsum_": lambda v: v.cumsum_(0),
    "cumprod_": lambda v: v.cumprod_(1),
    "fill_": lambda v: v.fill_(7),
    "fill_diagonal_": lambda v: v.fill_diagonal_(7),
    "fill_diagonal_, wrapped": lambda v: v.fill_diagonal_(7, wrap=True),
    "index_add_": lambda v: v.index_add_(1, torch.tensor([1, 0, 1]), other(v)[:, :1].expand(-1, 3)),
    "index_copy_": lambda v: v.index_copy_(1, torch.tensor([1, 0]), other(v)[:, :1].expand(-1, 2)),
    "index_fill_": lambda v: v.index_fill_(1, torch.tensor([1, 0]), 7.0),
    "index_put_": lambda v: v.index_put_((slice_of(v), torch.tensor([1])), torch.tensor(7.0, dtype=v.dtype)),
    "index_reduce_": lambda v: v.index_reduce_(1, torch.tensor([1, 0]), other(v)[:, :1].expand(-1, 2), "prod"),
    "ldexp_": lambda v: v.ldexp_(torch.tensor(2)),
    "lerp_": lambda v: v.lerp_(other(v), 0.25),
    "masked_fill_": lambda v: v.masked_fill_(other(v) > 0.5, 7.0),
    "masked_scatter_": lambda v: v.masked_scatter_(other(v) > 0.5, other(v) + 3),
    "mvlgamma_": lambda v: v.add_(2).mvlgamma_(2),
    "polygamma_": lambda v: v.polygamma_(1),
    "put_": lambda v: v.put_(torch.tensor([1, 2]), torch.tensor([7.0, 8.0], dtype=v.dtype)) if v.numel() else v,
    "renorm_": lambda v: v.renorm_(2, 0, 0.5),
    "scatter_": lambda v: v.scatter_(1, torch.ones((len(v), 1), dtype=torch.int64), 7.0),
    "scatter_add_": lambda v: v.scatter_add_(1, torch.ones((len(v), 2), dtype=torch.int64), other(v)[:, :2]),
    "scatter_reduce_": lambda v: v.scatter_reduce_(1, torch.ones((len(v), 2), dtype=torch.int64), other(v)[:, :2], "amax"),
    "x[i] = y": lambda v: v.__setitem__((slice(None), 1), 7.0),
    "x[mask] = y": lambda v: v.__setitem__(other(v) > 0.5, 7.0),
    "x += y": lambda v: v.__iadd__(other(v)),
    "x.t() *= y": lambda v: v.t().__imul__(other(v).t()),
    "x.diagonal().fill_": lambda v: v.diagonal().fill_(7),
    "bernoulli_": lambda v: drawn(lambda: v.bernoulli_(0.5)),
    "cauchy_": lambda v: drawn(lambda: v.cauchy_()),
    "exponential_": lambda v: drawn(lambda: v.exponential_()),
    "geometric_": lambda v: drawn(lambda: v.geometric_(0.5)),
    "log_normal_": lambda v: drawn(lambda: v.log_normal_()),
    "normal_": lambda v: drawn(lambda: v.normal_()),
    "random_": lambda v: drawn(lambda: v.random_(100)),
    "uniform_": lambda v: drawn(lambda: v.uniform_()),
}
INTEGERS = """bitwise_and_ bitwise_left_shift_ bitwise_or_ bitwise_right_shift_ bitwise_xor_ gcd_ lcm_""".split()
WITHOUT_NUMBERS = """as_strided_ detach_ requires_grad_ resize_ resize_as_ set_ share_memory_ squeeze_
    swapaxes_ swapdims_ t_ transpose_ unsqueeze_""".split()
"""Methods that change what a tensor looks at, and no numbers."""


def other(v):
    """Return numbers between 0.1 and 0.9 of v's shape."""
    return torch.linspace(0.9, 0.1, v.numel(), dtype=v.dtype).reshape(v.shape)


def row(v):
    return torch.linspace(0.1, 0.9, v.shape[-1], dtype=v.dtype)[None]


def slice_of(v):
    return torch.arange(len(v))


def drawn(draw):
    torch.manual_seed(0)
    return draw()


def plain(name):
    return lambda v: getattr(v, name)()


def whole(name):
    return lambda v: getattr(v, name)(v.clone() % 3 + 1)


def paired(name):
    return lambda v: getattr(v, name)(other(v))


FLOATING = {**{name: plain(name) for name in PLAIN}, **{name: paired(name) for name in (*PAIRED, *sorted(FLAGS))}, **OTHERS}
WHOLE = {name: whole(name) for name in INTEGERS}
WHOLE["bitwise_not_"] = lambda v: v.bitwise_not_()


def bases(name):
    generator = np.random.default_rng(0)
    if name in WHOLE:
        return generator.integers(1, 50, (8, 9))
    return generator.uniform(0.1, 0.9, (8, 9))


def compare(name, view, compiled=False):
    write, array = {**FLOATING, **WHOLE}[name], bases(name)
    wanted, part = torch.from_numpy(array.copy()), VIEWS[view](torch.from_numpy(array.copy())).clone()
    write(part)
    VIEWS[view](wanted).copy_(part)
    function = torch.compile(lambda x: [write(VIEWS[view](x)), None][1]) if compiled else lambda x: write(VIEWS[view](x))
    for _ in range(2 if compiled else 1):
        got = torch.from_numpy(array.copy())
        function(got)
        np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-12, err_msg=f"{name} through {view}")


def test_every_method_in_place_is_here():
    here = {*FLOATING, *WHOLE, *WITHOUT_NUMBERS}
    assert {name for name in dir(torch.Tensor) if name.endswith("_") and not name.startswith("_")} <= here


@pytest.mark.parametrize("name", sorted({**FLOATING, **WHOLE}))
def test_writes_stay_within_the_view(name):
    for view in VIEWS:
        compare(name, view)


@pytest.mark.parametrize("view", sorted(VIEWS))
@pytest.mark.parametrize(
    "name", ["fill_diagonal_", "fill_diagonal_, wrapped", "index_add_", "cumsum_", "put_", "tril_", "addmm_"]
)
def test_compiled_writes_stay_within_the_view(name, view):
    compare(name, view, compiled=True)


APART = {"addmv_", "fill_diagonal_", "fill_diagonal_, wrapped", "x.diagonal().fill_", "x[i] = y"}
"""What writes one column or a diagonal, whose elements lie apart even in a column that was expanded."""


@pytest.mark.parametrize("name", sorted({*FLOATING, *WHOLE} - APART))
def test_expanded_memory_is_refused(name):
    array = bases(name)[:4, :1]
    x = torch.from_numpy(array.copy())
    before = x.clone()
    with pytest.raises(RuntimeError):
        {**FLOATING, **WHOLE}[name](x.expand(4, 4))
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "largest",
    [lambda x: x.max(1)[0], lambda x: x.sort(1)[0], lambda x: x.cummax(1)[0], lambda x: torch.nn.functional.max_pool1d(x, 2)],
)
def test_values_beside_their_places_may_be_written_before_the_backward_pass(largest):
    x = torch.tensor([[3.0, 1.0, 2.0, 5.0]], requires_grad=True)
    wanted = torch.autograd.grad(largest(x).mul(2).sum(), x)[0]
    largest(x).mul_(2).sum().backward()
    assert torch.equal(x.grad, wanted)


PLACED = {
    "sort": lambda x: x.sort(1),
    "topk": lambda x: x.topk(2, 1),
    "max": lambda x: x.max(1),
    "median": lambda x: x.median(1),
    "kthvalue": lambda x: x.kthvalue(2, 1),
    "cummin": lambda x: x.cummin(1),
    "max_pool1d": lambda x: torch.nn.functional.max_pool1d(x, 2, return_indices=True),
    "lu_factor": lambda x: torch.linalg.lu_factor(x @ x.T + torch.eye(2)),
}


@pytest.mark.parametrize("name", PLACED)
def test_places_that_the_backward_pass_reads_may_not_be_written_before_it(name):
    values, places = PLACED[name](torch.rand(2, 4, requires_grad=True))[:2]
    places.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()
