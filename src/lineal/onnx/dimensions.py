"""Which dimensions of the inputs are dynamic, and the sizes at which the model is tried."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, lift
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.recording import tensors

__all__ = ["Call", "Dynamic", "called", "dynamic", "names_of", "trials"]


class Call(NamedTuple):
    """A function and its arguments by the names of its parameters, some of them nests of tensors."""

    function: Callable[..., Any]
    bound: inspect.BoundArguments

    @property
    def inputs(self) -> list[AbstractTensor]:
        """The tensors among the arguments, in order."""
        return tensors(self.bound.arguments)

    def on(self, inputs: Sequence[AbstractTensor]) -> Any:
        """Return what the function gives of other tensors."""
        left = iter(inputs)
        swap = lambda each: next(left) if isinstance(each, AbstractTensor) else each
        given = {name: tree.transform(swap, each) for name, each in self.bound.arguments.items()}
        bound = inspect.BoundArguments(self.bound.signature, given)
        return self.function(*bound.args, **bound.kwargs)


def called(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any] | None) -> Call:
    """Return the call of a function; TypeError if its parameters do not take the arguments."""
    args = args if isinstance(args, tuple) else (args,)
    signature = inspect.signature(getattr(function, "forward", function))
    return Call(function, signature.bind(*args, **(kwargs or {})))


def leaf_names(name: str, value: Any) -> Iterator[str]:
    """Yield names for the tensors in a nest."""
    if isinstance(value, AbstractTensor):
        yield name
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaf_names(f"{name}_{key}", each)
    elif isinstance(value, (list, tuple)):
        for n, each in enumerate(value):
            yield from leaf_names(f"{name}_{n}", each)


def names_of(call: Call, given: Sequence[str] | None) -> list[str]:
    """Return the names of the inputs: the given ones, then those of the parameters."""
    found = [each for name, value in call.bound.arguments.items() for each in leaf_names(name, value)]
    given = list(given or ())
    if len(given) > len(found) or len(set(given)) < len(given):
        raise ValueError(f"onnx.export: expected at most {len(found)} different input_names, got {given}")
    return [*given, *found[len(given) :]]


class Dynamic(NamedTuple):
    """The dynamic dimensions: their names, the sizes that the example has, and which axes of which input have them."""

    names: list[str]
    sizes: list[int]
    axes: list[dict[int, str]]

    def place(self, name: str) -> tuple[int, int]:
        """Return the number of an input and an axis of it that has a dimension."""
        return next((n, axis) for n, axes in enumerate(self.axes) for axis, each in axes.items() if each == name)


def dynamic(call: Call, names: Sequence[str], known: Sequence[str], dynamic_axes: Any, dynamic_shapes: Any) -> Dynamic:
    """Return the dynamic dimensions of a call's inputs; `known` names outputs, whose axes follow from the inputs'."""
    if dynamic_axes and dynamic_shapes:
        raise ValueError("onnx.export: expected dynamic_axes or dynamic_shapes, got both")
    axes = by_name(names, known, dynamic_axes or {}) if not dynamic_shapes else by_nest(call, names, dynamic_shapes)
    sizes: dict[str, int] = {}
    for name, x, own in zip(names, call.inputs, axes):
        for axis, dimension in own.items():
            if not -x.value.ndim <= axis < x.value.ndim:
                raise ValueError(f"onnx.export: input {name} of shape {list(x.value.shape)} has no axis {axis}")
            size = x.value.shape[axis]
            if sizes.setdefault(dimension, size) != size or not size:
                raise ValueError(f"onnx.export: dimension {dimension} has size {size} in {name} and {sizes[dimension]} before")
    whole = [{axis % x.value.ndim: each for axis, each in own.items()} for x, own in zip(call.inputs, axes)]
    return Dynamic([*sizes], [*sizes.values()], whole)


def by_name(names: Sequence[str], known: Sequence[str], given: Mapping[str, Any]) -> list[dict[int, str]]:
    """Return the dynamic axes of each input from `dynamic_axes`: names of axes, or axes that get a name."""
    strange = [each for each in given if each not in names and each not in known]
    if strange:
        raise ValueError(f"onnx.export: dynamic_axes names {strange}; the inputs are {list(names)}")
    named = lambda name, own: (
        own if isinstance(own, Mapping) else {axis: f"{name}_dynamic_axes_{n}" for n, axis in enumerate(own, 1)}
    )
    return [dict(named(name, given.get(name, {}))) for name in names]


def by_nest(call: Call, names: Sequence[str], given: Any) -> list[dict[int, str]]:
    """Return the dynamic axes of each input from `dynamic_shapes`, a nest like the arguments."""
    values = call.bound.arguments
    if not isinstance(given, Mapping):
        given = dict(zip(values, given))
    elif not given.keys() & values.keys() and given.keys() <= set(names):
        return [dimensions(given.get(name), name) for name in names]
    strange = [each for each in given if each not in values]
    if strange:
        raise ValueError(f"onnx.export: dynamic_shapes names {strange}; the parameters are {[*values]}")
    return [each for name, value in values.items() for each in paired(value, given.get(name), name)]


def paired(value: Any, given: Any, name: str) -> Iterator[dict[int, str]]:
    """Yield the dynamic axes of the tensors in a nest."""
    if isinstance(value, AbstractTensor):
        yield dimensions(given, name)
    elif isinstance(value, (list, tuple, Mapping)):
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, each in pairs:
            yield from paired(each, None if given is None else given[key], f"{name}_{key}")


def dimensions(given: Any, name: str) -> dict[int, str]:
    """Return axes and the names of their dimensions from a dict by axes, or a sequence of all of them."""
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given or ())
    found = {}
    for axis, each in pairs:
        word = each if isinstance(each, str) or each is None else getattr(each, "__name__", None)
        if each is not None and word is None:
            raise ValueError(f"onnx.export: dynamic_shapes of {name}: expected a name for axis {axis}, got {each!r}")
        if word is not None:
            found[axis] = word
    return found


def resized(x: AbstractTensor, axes: Mapping[int, str], sizes: Mapping[str, int]) -> Any:
    """Return a tensor with other sizes, its slices repeated or left out."""
    array = x.value
    for axis, name in axes.items():
        array = np.take(array, np.arange(sizes[name]) % array.shape[axis], axis)
    return lift(array.copy())


def inputs_at(call: Call, found: Dynamic, sizes: Sequence[int]) -> list[AbstractTensor]:
    """Return the inputs at other sizes of the dynamic dimensions."""
    named = dict(zip(found.names, sizes))
    return [resized(x, axes, named) for x, axes in zip(call.inputs, found.axes)]


def trials(found: Dynamic, attempt: Callable[[Sequence[int]], Any]) -> tuple[np.ndarray, list[Any]]:
    """Return the sizes at which a model was tried, (trials, dimensions), and what `attempt` gave at each.

    At first every size is 2 or more, since axes of size 1 are broadcast. Then each dimension is larger by one alone (or twice
    as large, if the model refuses that), then each two of them, then all are twice as large and more, so that sizes that are
    rounded after strides change too.
    """
    base = [max(size, 2) for size in found.sizes]
    made, steps = [(base, attempt(base))], []
    for n in range(len(base)):
        size, (sizes, result) = stepped(base, n, found.names[n], attempt)
        steps.append(size)
        made.append((sizes, result))
    for pair in itertools.combinations(range(len(base)), 2):
        sizes = [size + (steps[n] if n in pair else 0) for n, size in enumerate(base)]
        made.append((sizes, attempt(sizes)))
    if base:
        made.append(distant(base, steps, found.names, attempt))
    return np.array([sizes for sizes, _ in made], np.int64).reshape(len(made), len(base)), [result for _, result in made]


def distant(base: Sequence[int], steps: Sequence[int], names: Sequence[str], attempt: Callable) -> tuple[list[int], Any]:
    """Return a trial at sizes that are far from the first; a warning if the model takes near ones alone."""
    refused: Exception | None = None
    for sizes in ([2 * size + 1 for size in base], [2 * size for size in base], [3 * size for size in base]):
        try:
            return sizes, attempt(sizes)
        except OnnxExporterError:
            raise
        except Exception as error:
            refused = refused or error
    sizes = [size + 2 * step for size, step in zip(base, steps)]
    result = attempt(sizes)
    warnings.warn(
        f"onnx.export: the model refuses sizes of {names} that are twice the example's or more ({refused}); the file was "
        f"made from sizes up to {sizes}, and what it does where the model itself raises is not said",
        stacklevel=5,
    )
    return sizes, result


def stepped(
    base: Sequence[int], n: int, name: str, attempt: Callable[[Sequence[int]], Any]
) -> tuple[int, tuple[list[int], Any]]:
    """Return by how much a dimension can be larger, and the trial; OnnxExporterError if it can by nothing."""
    refused: Exception | None = None
    for step in (1, base[n]):
        sizes = [size + (step if place == n else 0) for place, size in enumerate(base)]
        try:
            return step, (sizes, attempt(sizes))
        except OnnxExporterError:
            raise
        except Exception as error:
            refused = error
    raise OnnxExporterError(
        f"onnx.export: dimension {name} is to be dynamic, but the model takes neither size {base[n] + 1} nor {2 * base[n]} in "
        f"place of {base[n]} ({refused}); give axes that have one size one name, or leave it fixed"
    ) from refused
