"""Functions whose derivative the user writes: a subclass of `Function` passes the one door as one op."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.core import modes
from lineal.core.apply import apply, lift, memory_of, synchronize, tell
from lineal.core.backward import gradients
from lineal.core.context import Context, SavedOutput, cotangents
from lineal.core.inplace import rebase, refuse_leaf
from lineal.core.op import CUSTOM, AbstractTensor, Node, Op, View


class TensorPlace:
    """Stands for a tensor among the arguments or results of a custom function."""

    def __repr__(self) -> str:
        return "·"


PLACE = TensorPlace()
goes_forward: ContextVar[bool] = ContextVar("goes_forward", default=False)
"""Whether the backward pass is one half of finding tangents: then a function's own `jvp` counts, and not its `backward`."""


class Outcome(NamedTuple):
    """What one run of forward gave: its context and results, which of the tensors are constant, which inputs it changed."""

    context: Context
    results: Any
    constant: tuple[bool, ...]
    dirty: tuple


class Custom(Op):
    """One call of a user's function; the other arguments are its attributes."""

    by_arrays = False

    function: type[Function]
    arguments: tuple
    no_batch = "looped: the function is the user's, written for one slice"
    no_lowering = "host step: the function is the user's; runs eagerly where it is differentiated"
    any_dtype = True

    def __init__(self, function: type[Function], arguments: tuple):
        self.__dict__.update(function=function, arguments=arguments, key=function.__name__, plans={}, failure=None)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @property
    def grad_name(self) -> str:
        return f"{self.key}Backward"

    def eager(self, xp, *xs):
        return self.run(tuple(lift(x) for x in xs))

    def vjp(self, needs, g, y, *xs):
        raise RuntimeError(f"{self.key}: a custom function goes back through its own backward")

    def check(self, *xs: AbstractTensor) -> None:
        if self.__dict__["failure"] is not None:
            raise self.__dict__["failure"]

    def run(self, xs: tuple[AbstractTensor, ...]) -> Any:
        given = iter(xs)
        args = tuple(next(given) if each is PLACE else each for each in self.arguments)
        context = Context(tuple(isinstance(each, AbstractTensor) and differentiable(each) for each in args))
        try:
            results = called(self.function, context, args)
        except Exception as error:
            self.__dict__["failure"] = error
            raise
        if modes.grad_enabled.get():
            for each in context._dirty:
                refuse_leaf(each, self.key)
        tensors = [each for each in listed(results) if isinstance(each, AbstractTensor)]
        if any(all(each is not one for one in tensors) for each in context._dirty):
            raise RuntimeError(
                f"{self.key}: Some elements marked as dirty during the forward method were not returned as output. The inputs "
                "that are modified inplace must all be outputs of the Function."
            )
        constant = tuple(any(each is one for one in context._constant) for each in tensors)
        single = isinstance(results, AbstractTensor)
        outcome = Outcome(context, results, constant, context._dirty)
        self.__dict__.update(outcome=outcome, width=None if single else len(tensors))
        return tensors[0].value if single else tuple([each.value for each in tensors])

    @property
    def outcome(self) -> Outcome:
        """What the last run gave."""
        return self.__dict__["outcome"]

    def remember(self, node: Node, xs: tuple[AbstractTensor, ...], value: Any) -> None:
        node.edges = tuple([x.node for x in xs])
        node.indices = tuple([x.index for x in xs])
        context = self.outcome.context
        node.y = None
        several = value.__class__ is tuple
        outputs = {id(each): place if several else None for place, each in enumerate(value if several else (value,))}
        kept_inputs = {id(x) for x in xs} - {id(each) for each in context._dirty}
        node.kept = tuple(
            SavedOutput(outputs[id(each.value)], each.value)
            if each is not None and id(each.value) in outputs and id(each) not in kept_inputs
            else each
            for each in context._saved
        )
        context._inputs = tuple((x.value.shape, x.value.dtype) for x in xs)
        context._outputs = tuple(
            (each.value.shape, each.value.dtype) if isinstance(each, AbstractTensor) else None
            for each in listed(self.outcome.results)
        )
        context._dirty = context._constant = context._saved = ()
        self.__dict__["context"] = context

    def pull(self, node: Node, g: Any, edges: tuple) -> tuple:
        context = self.__dict__["context"]
        gs = cotangents(context, g if g.__class__ is tuple else (g,))
        context._node = node
        forward = self.function.jvp is not Function.jvp
        try:
            if forward and (goes_forward.get() or self.function.backward is Function.backward):
                found = self.transposed(context, gs, edges)
            else:
                found = self.function.backward(context, *gs)
        finally:
            context._node = None
        return self.conform(found, context, edges)

    def transposed(self, context: Context, gs: list, edges: tuple) -> tuple:
        """Return the arguments' cotangents by the adjoint of `jvp`, which is linear in the tangents, so that any will do."""
        specs = iter(zip(context._inputs, edges))
        ts: list[Any] = [None] * len(self.arguments)
        for place, argument in enumerate(self.arguments):
            spec, edge = next(specs) if argument is PLACE else (None, None)
            if spec is not None and edge is not None:
                ts[place] = lift(np.zeros(*spec))
                ts[place].requires_grad_()
        with modes.Setting((modes.grad_enabled, True), (goes_forward, False)):
            context._forwards = True
            try:
                ys = listed(self.function.jvp(context, *ts))
            finally:
                context._forwards = False
        moving = [(y, g) for y, g in zip(ys, gs) if isinstance(y, AbstractTensor) and y.node is not None and g is not None]
        wanted = [t for t in ts if t is not None]
        if not moving:
            return tuple(ts)
        create = modes.grad_enabled.get()
        found = iter(gradients([y for y, _ in moving], wanted, [g for _, g in moving], True, create, True))
        return tuple([None if t is None else next(found) for t in ts])

    def conform(self, found: Any, context: Context, edges: tuple) -> tuple:
        """Return what backward gave for the tensors among the arguments, in their shapes and dtypes; refuse anything else."""
        found = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        count = len(self.arguments)
        if len(found) > count and all(each is None for each in found[count:]):
            found = found[:count]
        if len(found) != count:
            raise RuntimeError(
                f"{self.grad_name}: function returned an incorrect number of gradients (expected {count}, got {len(found)})"
            )
        gs = []
        for place, (argument, g) in enumerate(zip(self.arguments, found)):
            if argument is PLACE:
                index = len(gs)
                shape, storage = context._inputs[index]  # type: ignore[attr-defined]
                gs.append(g if g is None or edges[index] is None else self.fitted(g, place, shape, storage))
            elif g is not None:
                raise RuntimeError(
                    f"{self.grad_name}: function returned a gradient different from None at position {place + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        return tuple(gs)

    def fitted(self, g: Any, place: int, shape: tuple[int, ...], storage: np.dtype) -> Any:
        """Return one gradient in the shape and dtype of its input."""
        if not isinstance(g, AbstractTensor):
            raise TypeError(f"{self.grad_name}: expected Variable or None (got {type(g).__name__})")
        if g.value.shape != shape:
            try:
                g = g.sum_to_size(shape)  # type: ignore[attr-defined]
            except RuntimeError:
                raise RuntimeError(
                    f"{self.grad_name}: function returned an invalid gradient at index {place} - got {list(g.value.shape)} but "
                    f"expected shape compatible with {list(shape)}"
                ) from None
        if g.value.dtype != storage:
            g = g.real if g.value.dtype.kind == "c" != storage.kind else g  # type: ignore[attr-defined]
            g = g if g.value.dtype == storage else g.to(dtypes.of(storage))  # type: ignore[attr-defined]
        return g


def called(function: type[Function], context: Context, args: tuple) -> Any:
    """Run a user's forward without history; a list of results becomes a tuple."""
    with modes.Setting((modes.grad_enabled, False)):
        if function.setup_context is Function.setup_context:
            results = function.forward(context, *args)
        else:
            results = function.forward(*args)
            function.setup_context(context, args, results)
    return tuple(results) if isinstance(results, list) else results


def listed(results: Any) -> tuple:
    """Return what forward returned as a tuple."""
    return results if isinstance(results, tuple) else (results,)


def differentiable(x: AbstractTensor) -> bool:
    """Return whether `x` has a history."""
    if x.origin is not None:
        synchronize(x)
    return x.node is not None


class Function:
    """A differentiable function with a derivative of its own. Subclass it, write static `forward` and `backward`, call `apply`.

    Either `forward(ctx, *args)`, or `forward(*args)` with `setup_context(ctx, inputs, output)`; `backward(ctx, *grad_outputs)`
    returns one gradient, or None, per argument of forward. Higher derivatives follow if backward is made of ops.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Return the outputs; runs without history."""
        raise NotImplementedError("Function: you must implement the forward function for custom autograd.Function")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save on `ctx` what backward needs, where forward takes no `ctx`."""
        raise NotImplementedError("Function: setup_context is not implemented")

    @staticmethod
    def backward(*args: Any, **kwargs: Any) -> Any:
        """Return the gradients of the arguments of forward from `ctx` and the gradients of its outputs."""
        raise NotImplementedError(
            "Function: you must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD"
        )

    @staticmethod
    def jvp(*args: Any, **kwargs: Any) -> Any:
        """Return the tangents of the outputs from `ctx` and those of the arguments of forward."""
        raise NotImplementedError(
            "Function: you must implement the jvp function for custom autograd.Function to use forward AD"
        )

    @staticmethod
    def vmap(*args: Any, **kwargs: Any) -> Any:
        """Return the outputs for a batch and their batch dimensions; never called, since `lineal.vmap` batches `forward`."""
        raise NotImplementedError("Function: vmap is not implemented")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "vjp" in cls.__dict__ and "backward" not in cls.__dict__:
            cls.backward = cls.__dict__["vjp"]

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on `args` and remember how to go back."""
        if cls.setup_context is not Function.setup_context:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        if kwargs:
            raise TypeError(f"{cls.__name__}.apply() takes no keyword arguments")
        tensors = tuple(each for each in args if isinstance(each, AbstractTensor))
        op = Custom(cls, tuple(PLACE if isinstance(each, AbstractTensor) else each for each in args))
        made = apply(op, *tensors)
        return deliver(op, tensors, made if isinstance(made, tuple) else (made,))


def deliver(op: Custom, tensors: tuple, made: tuple) -> Any:
    """Return the results in the form forward gave them: marked ones without history, dirty inputs as themselves."""
    outcome, results = op.outcome, op.outcome.results
    given = [each for each in listed(results) if isinstance(each, AbstractTensor)]
    outputs = list(made)
    for y, constant in zip(made, outcome.constant):
        if constant or y.value.dtype.kind in "iub":
            y.node = None
    for place, (x, y) in enumerate(zip(given, made)):
        if any(each is x for each in outcome.dirty) and any(each is x for each in tensors):
            outputs[place] = changed_input(x, y)
    for x, y in zip(given, outputs):
        if x is not y:
            share(tensors, x, y)
    listener = modes.recorder.get()
    if listener is not None and any(y.node is not None for y in outputs):
        listener.opaque(f"{op.function.__name__}.backward")
    del op.__dict__["outcome"]
    if isinstance(results, tuple):
        following = iter(outputs)
        return tuple(next(following) if isinstance(each, AbstractTensor) else each for each in results)
    return outputs[0] if outputs else results


def changed_input(x: AbstractTensor, y: AbstractTensor) -> AbstractTensor:
    """Return an input that forward changed in place, with its new history."""
    if y.node is not None:
        tell(y.node, y.index, memory_of(x))
        rebase(x, y)
    return x


def share(tensors: tuple, x: AbstractTensor, y: AbstractTensor) -> None:
    """Let the output `y` know of what it shares with the tensor `x` that forward returned, if that was not made there."""
    source = next((each for each in tensors if each is x or (x.memory is not None and each.memory is x.memory)), None)
    if source is None and x.memory is None:
        return
    y.memory = memory_of(x)
    if y.node is not None and y.node.id:
        tell(y.node, y.index, y.memory)
    look = x.origin or (None if source is None else source.origin)
    if look is not None:
        y.origin = View(look.base, look.steps, y.memory.rebased, CUSTOM)
    elif source is not None:
        y.origin = View(source, (), y.memory.rebased, CUSTOM)


def once_differentiable(backward: Callable) -> Callable:
    """Decorate a `backward` whose body is not differentiable: a second derivative through it raises."""

    @functools.wraps(backward)
    def once(ctx: Any, *gs: Any) -> Any:
        with modes.Setting((modes.grad_enabled, False)):
            found = backward(ctx, *gs)
        if not modes.grad_enabled.get():
            return found
        several = isinstance(found, (tuple, list))
        sources = [each for each in gs if isinstance(each, AbstractTensor) and differentiable(each)]
        sources += [each for each in ctx.saved_tensors if each is not None and differentiable(each)]
        if not sources:
            return found
        barred = tuple(
            apply(Barrier(), each, *sources) if isinstance(each, AbstractTensor) else each
            for each in (found if several else (found,))
        )
        return barred if several else barred[0]

    return once


class Barrier(Op):
    """y = x, with a history that leads to the other inputs but may not be followed."""

    by_arrays = False

    grad_name = "DelayedErrorBackward0"
    no_vjp = "raises: that is what it is for"
    no_batch = "looped: it only carries a refusal, for the backward pass"
    no_lowering = "host step: a refusal for the backward pass"

    def eager(self, xp, x, *sources):
        return x.copy()

    def vjp(self, needs, g, y, *xs):
        raise RuntimeError(
            "once_differentiable: trying to differentiate twice a function that was marked with @once_differentiable"
        )
