"""From recordings at several sizes to one graph: equation by equation, what the trials agree on and what depends on sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base.spec import Spec
from lineal.core.sites import describe
from lineal.onnx.dimensions import Dynamic
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.recording import Recording
from lineal.onnx.rules import reason_of, rule_of
from lineal.onnx.varying import merged, varying
from lineal.onnx.writer import GraphWriter, Value
from lineal.tracing import Equation, Var, evaluate

__all__ = ["Names", "translated"]


class Names(NamedTuple):
    """What inputs and outputs are called, and whether parameters stand in the file, and among its inputs."""

    inputs: list[str]
    outputs: list[str]
    parameters: bool
    as_inputs: bool


def spec_of(vars: Sequence[Var]) -> Spec:
    """Return the shape and dtype of a variable from what it was at each trial."""
    shapes = [each.spec.shape for each in vars]
    if len({len(each) for each in shapes}) > 1 or len({each.spec.storage for each in vars}) > 1:
        raise OnnxExporterError(f"what has shape {list(shapes[0])} at one size has {list(shapes[-1])} at another")
    return Spec(tuple([varying(sizes) for sizes in zip(*shapes)]), vars[0].spec.storage)


def check_alike(recordings: Sequence[Recording]) -> None:
    """Raise OnnxExporterError if the trials did not do the same."""
    first = recordings[0]
    for other in recordings[1:]:
        for n, (a, b) in enumerate(zip(first.equations, other.equations)):
            if type(a.op) is not type(b.op) or a.op.key != b.op.key or wiring(a) != wiring(b):
                raise OnnxExporterError(
                    f"onnx.export: the model does `{a.op.key}` at one size and `{b.op.key}` at another, or of something else; "
                    f"at {first.sites[n]}"
                )
        if len(first.equations) != len(other.equations):
            longer = max((first, other), key=lambda each: len(each.equations))
            place = longer.sites[min(len(first.equations), len(other.equations))]
            raise OnnxExporterError(
                f"onnx.export: the model does {len(first.equations)} ops at one size, {len(other.equations)} at another: a "
                f"loop of Python's over a dynamic dimension, or a branch; at {place}"
            )


def check_clips(recordings: Sequence[Recording]) -> None:
    """Raise OnnxExporterError if a slice has a fixed end beyond an axis whose size varies: a longer one it would cut."""
    for clips in zip(*[each.clipped for each in recordings]):
        sizes, pieces, places = zip(*clips)
        if len(set(sizes)) > 1 and all(each == pieces[0] for each in pieces):
            raise OnnxExporterError(
                f"onnx.export: {pieces[0]} is all of an axis of the sizes that were tried, {list(sizes)}, and of a longer one "
                f"is not; take an example beyond it, or leave the dimension fixed; at {describe(places[0])}"
            )


def wiring(equation: Equation) -> tuple:
    """Return the numbers of the variables that an equation reads and makes."""
    return tuple([each.number for each in equation.inputs]), tuple([each.number for each in equation.outputs])


def translated(
    graph: GraphWriter, recordings: Sequence[Recording], found: Dynamic, names: Names, owners: Mapping[int, str]
) -> Any:
    """Return ONNX's graph of a model from its recordings, of which the first gives the names of variables."""
    check_clips(recordings)
    check_alike(recordings)
    first = recordings[0]
    env: dict[Var, Value] = {}
    messages = enter_inputs(graph, recordings, found, names, env)
    parameters = enter_captured(graph, recordings, owners, env)
    for number, var in enumerate(first.constants):
        enter_literal(graph, [list(each.constants)[number] for each in recordings], recordings, env, var)
    rows = iter(zip(first.sites, *[each.equations for each in recordings]))

    def rule(equation: Equation, *xs: Value) -> Any:
        place, *trials = next(rows)
        return written(graph, place, trials, xs)

    evaluate(first.equations, env, rule, False)
    refuse_writes(first, owners)
    outputs = finish(graph, [env[var] for var in first.outputs], names)
    return assembled(graph, messages, outputs, parameters, names, found)


def written(graph: GraphWriter, place: str, trials: Sequence[Equation], xs: Sequence[Value]) -> Any:
    """Return the values of the outputs of an equation, from its forms at all trials; errors name op and line."""
    op = trials[0].op
    try:
        rule = rule_of(op)
        if rule is None:
            raise OnnxExporterError(reason_of(type(op)) or "ONNX has no operator for it")
        if None in xs:
            raise OnnxExporterError("it reads a result that ONNX's operator does not give")
        graph.trials = [each.op for each in trials]
        specs = [spec_of(vars) for vars in zip(*[each.outputs for each in trials])]
        made = rule(graph, merged(graph.trials), specs[0] if type(op).width is None and len(specs) == 1 else specs, *xs)
    except OnnxExporterError as error:
        raise OnnxExporterError(f"onnx.export: `{op.key}`: {error}; at {place}") from None
    values = [
        None if name is None else Value(name, *spec) for name, spec in zip(made if isinstance(made, tuple) else (made,), specs)
    ]
    for value in values:
        if value is not None:
            graph.made.setdefault(value.name, (op, tuple(xs)))
            graph.enter(value)
    return tuple(values) if isinstance(made, tuple) else values[0]


# what comes in


def enter_inputs(graph: GraphWriter, recordings: Sequence[Recording], found: Dynamic, names: Names, env: dict) -> list[Any]:
    """Enter the inputs and return their messages."""
    messages = []
    for name, axes, *vars in zip(names.inputs, found.axes, *[each.inputs for each in recordings]):
        graph.taken.add(name)
        env[vars[0]] = Value(name, *spec_of(vars))
        graph.enter(env[vars[0]])
        shape = [axes.get(axis, size) for axis, size in enumerate(vars[0].spec.shape)]
        messages.append(graph.outline(name, vars[0].spec.storage, shape))
    graph.places = [(names.inputs[n], axis) for n, axis in map(found.place, found.names)]
    return messages


def enter_captured(graph: GraphWriter, recordings: Sequence[Recording], owners: Mapping[int, str], env: dict) -> list[str]:
    """Enter what the model reached otherwise than by arguments as initialisers; return the names of the parameters."""
    parameters = []
    for pairs in zip(*[each.captured.items() for each in recordings]):
        var, x = pairs[0]
        if any(each is not x and not np.array_equal(each.value, x.value) for _, each in pairs[1:]):
            raise OnnxExporterError(f"onnx.export: a constant of shape {list(x.value.shape)} is another one at another size")
        owner = owners.get(id(x)) or owners.get(id(x.value))
        name = graph.initializer(owner, x.value) if owner else graph.constant(x.value)
        parameters += [name] if owner else []
        env[var] = Value(name, *var.spec)
    return parameters


def enter_literal(graph: GraphWriter, vars: Sequence[Var], recordings: Sequence[Recording], env: dict, var: Var) -> None:
    """Enter a number that Python gave, which may depend on sizes if it is whole."""
    arrays = [each.constants[own] for each, own in zip(recordings, vars)]
    first = arrays[0]
    if all(np.array_equal(each, first, equal_nan=first.dtype.kind == "f") for each in arrays):
        name = graph.constant(first)
    elif first.ndim == 0 and all(float(each).is_integer() for each in arrays):
        name = graph.number(varying([int(each) for each in arrays]), first.dtype)
    else:
        place = next(site for site, each in zip(recordings[0].sites, recordings[0].equations) if var in each.inputs)
        raise OnnxExporterError(
            f"onnx.export: the number {first} at one size is {arrays[-1]} at another, and not whole; compute it with tensors; "
            f"at {place}"
        )
    env[var] = Value(name, *var.spec)


def refuse_writes(recording: Recording, owners: Mapping[int, str]) -> None:
    """Refuse a model that changes what stays after the call."""
    for x in recording.written:
        name = owners.get(id(x)) or owners.get(id(x.value)) or f"a tensor of shape {list(x.value.shape)} from outside"
        raise OnnxExporterError(
            f"onnx.export: the model writes to {name}, and a file keeps nothing from run to run; export it in eval mode"
        )


# what goes out


def finish(graph: GraphWriter, values: Sequence[Value], names: Names) -> list[tuple[str, Value]]:
    """Let the graph end in outputs of the wanted names; return these with their values."""
    if len(names.outputs) > len(values):
        raise ValueError(f"onnx.export: expected at most {len(values)} output_names, got {names.outputs}")
    plain = ["output"] if len(values) == 1 else [f"output_{n}" for n in range(len(values))]
    wanted = [*names.outputs, *plain[len(names.outputs) :]]
    made = {name for node in graph.nodes for name in node.output}
    renamed: dict[str, str] = {}
    for name, value in zip(wanted, values):
        if name in graph.taken:
            raise ValueError(f"onnx.export: the name {name} of an output is taken")
        if value.name in made and value.name not in renamed:
            renamed[value.name] = name
        else:
            graph.nodes_named("Identity", [value.name], [name])
    graph.rename(renamed)
    graph.prune(wanted)
    return list(zip(wanted, values))


def assembled(
    graph: GraphWriter, inputs: list[Any], outputs: Sequence[Any], parameters: list[str], names: Names, found: Dynamic
) -> Any:
    """Return the message of the graph."""
    kept = [name for name in parameters if name in graph.initializers]
    if names.as_inputs or not names.parameters:
        inputs = [*inputs, *[graph.outline_of(graph.initializers[name]) for name in kept]]
    inside = [each for name, each in graph.initializers.items() if names.parameters or name not in kept]
    ends = [graph.outline(name, each.storage, [dimension(graph, size, found) for size in each.shape]) for name, each in outputs]
    return graph.message(inputs, ends, inside)


def dimension(graph: GraphWriter, size: Any, found: Dynamic) -> Any:
    """Return what the file says of the size of an axis: a number, the name of a dynamic dimension, or None."""
    if isinstance(size, int):
        return size
    return next((name for name, own in zip(found.names, graph.dimensions.T) if size.numbers == tuple(own)), None)
