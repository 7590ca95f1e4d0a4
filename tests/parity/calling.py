"""How each op is called in the library under test, and the forms (method, in place, out=) it is called in."""

from dataclasses import dataclass
from operator import attrgetter

from names import METHODS, PROPERTIES
from reference import subject, torch


@dataclass(frozen=True)
class Form:
    """One way to call an op, in both libraries; each callable takes the sample's input, args and kwargs."""

    name: str
    theirs: object
    ours: object


def method(name):
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def in_place(name):
    """Call `x.name_()` on a copy, so that a leaf may require grad."""

    def call(x, *args, **kwargs):
        y = x.clone()
        result = getattr(y, name)(*args, **kwargs)
        assert result is y, f"{name} must return the tensor it changed"
        return result

    return call


def slice_by_index(x, dim=0, start=None, end=None, step=1):
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


POLYGAMMAS = [f"polygamma.polygamma_n_{n}" for n in range(5)] + ["special.polygamma.special_polygamma_n_0"]

# Where PyTorch's table swaps arguments or calls what has no public function.
ADAPTED = {
    "where": lambda x, condition, other, **options: subject.where(condition, x, other, **options),
    "einsum": lambda tensors, equation: subject.einsum(equation, tensors),
    "slice": slice_by_index,
    "normal.in_place": lambda x, *args, **kwargs: x.normal_(*args, **kwargs),
    "normal.number_mean": lambda std, mean, *args, **kwargs: subject.normal(mean, std, *args, **kwargs),
    "uniform": lambda x, *args, **kwargs: x.uniform_(*args, **kwargs),
    "linalg.lstsq.grad_oriented": lambda A, B, *args, **kwargs: subject.linalg.lstsq(A, B, *args, **kwargs)[:2],
    "linalg.pinv.singular": lambda a, b: subject.linalg.pinv(a @ b.mT),
    "nn.functional.embedding": lambda weight, indices, **options: subject.nn.functional.embedding(indices, weight, **options),
    "nn.functional.embedding_bag": lambda weight, indices, *args, **kwargs: subject.nn.functional.embedding_bag(
        indices, weight, *args, **kwargs
    ),
    **dict.fromkeys(POLYGAMMAS, lambda x, n, *args, **kwargs: subject.polygamma(n, x, *args, **kwargs)),
    "zero_": lambda x: subject.zero_(x.clone()),
}


def function(op, name):
    """Return the library's callable for an op, looked up when called: what is missing fails as one sample does."""
    if name in ADAPTED:
        return ADAPTED[name]
    if op.name in PROPERTIES:
        return lambda x: getattr(x, op.name)
    if op.name in METHODS or op.name.startswith("__"):
        return method(op.name)
    return lambda *args, **kwargs: attrgetter(op.name)(subject)(*args, **kwargs)


def function_form(op, name):
    return Form(name, op.op, function(op, name))


def method_form(op):
    theirs = op.method_variant
    if theirs is None or op.name in METHODS or op.name in PROPERTIES or op.name.startswith("__"):
        return None
    return Form(f"Tensor.{op.name}", theirs, method(op.name))


def in_place_form(op):
    if op.inplace_variant is None or op.name.startswith("__"):
        return None
    name = op.name if op.name.endswith("_") else f"{op.name}_"
    return Form(f"Tensor.{name}", in_place(name), in_place(name)) if hasattr(torch.Tensor, name) else None


def alias_forms(op):
    """Yield the other names of an op; those of the façades (`special.expit`) are not the ops' concern."""
    for alias in op.aliases:
        name = alias.name
        if "." in name:
            continue
        if hasattr(torch, name):
            yield Form(name, alias.op, lambda *args, name=name, **kwargs: getattr(subject, name)(*args, **kwargs))
        if alias.method_variant is not None:
            yield Form(f"Tensor.{name}", alias.method_variant, method(name))
        if alias.inplace_variant is not None:
            yield Form(f"Tensor.{name}_", in_place(f"{name}_"), in_place(f"{name}_"))
