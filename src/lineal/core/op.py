"""What an op is, what a tensor is to the engine, and the node that remembers one op for the backward pass."""

from __future__ import annotations

import functools
import itertools
import operator
import re
import weakref
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from lineal.base import later
from lineal.base.config import LARGE_ARRAY
from lineal.base.dtypes import STORED_ONLY
from lineal.base.layouts import arranging
from lineal.base.platforms import FOREIGN, HOST, NoNumbersError, array_module, lent, meeting, moved
from lineal.base.spec import Spec
from lineal.core.hooks import Extra, RemovableHandle, extra_of, register
from lineal.core.plans import Plan, planned
from lineal.core.precision import require_computable, rounded, rounding_once
from lineal.core.sites import Site, describe

annotationlib: Any = later.module("annotationlib")
next_id = itertools.count(1).__next__
"""The engine's clock: nodes and writes take their numbers from it, so "written after the node was made" is one comparison."""


class Memory:
    """What all tensors over one block of memory share: when it was last written and by what, how often history was rebased.

    `inference` says whether it was made in inference mode.
    """

    __slots__ = ("inference", "rebased", "version", "writer", "written")

    def __init__(self) -> None:
        self.version = 0
        self.written = 0
        self.rebased = 0
        self.inference = False
        self.writer: tuple[str, Site] | None = None


class Bar(NamedTuple):
    """Why views of a kind may not be written where there is a history."""

    reason: str


SEVERAL = Bar(
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be "
    "modified inplace; replace the inplace operation by an out-of-place one"
)
CUSTOM = Bar(
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle "
    "view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients; "
    "clone() the output of the custom Function"
)


class View:
    """How a view comes from the tensor it looks into: `base`, the view ops from there, the rebasing its node has seen.

    A step of the way is a view op, or a view op of several outputs and which of them it is. `tracked` says whether it follows
    its base's history: not if it was made in no_grad; a `Bar` if it may not be written.
    """

    __slots__ = ("root", "seen", "steps", "tracked")

    root: AbstractTensor
    steps: tuple[Op | tuple[Op, int], ...]
    seen: int
    tracked: bool | Bar

    def __init__(self, base: AbstractTensor, steps: tuple[Op | tuple[Op, int], ...], seen: int, tracked: bool | Bar):
        self.root = base
        self.steps = steps
        self.seen = seen
        self.tracked = tracked

    @property
    def path(self) -> tuple[Op, ...]:
        """The view ops from the base."""
        return tuple([step[0].part(step[1]) if step.__class__ is tuple else step for step in self.steps])  # type: ignore

    @property
    def base(self) -> AbstractTensor:
        """The tensor that is no view; if it was made one in place (`t_()`), what it was before that."""
        if self.root.origin is not None:
            self.root = self.root.origin.base
        return self.root


class AbstractTensor:
    """A value with a history. The final `Tensor`, above the ops, adds what users call.

    `value` is the array; `node` the op it came from, or the `Leaf` of a tensor the user differentiates by, or None for a
    constant; `index` which output of the node it is (None if the node has one); `memory` and `origin` stay None until a view or
    an in-place write makes them matter.
    """

    __slots__ = ("__dict__", "__weakref__", "index", "memory", "node", "origin", "value")

    value: np.ndarray
    node: Node | None
    index: int | None
    memory: Memory | None
    origin: View | None

    @abstractmethod
    def __add__(self, other: Any) -> AbstractTensor:
        """Return the sum; the engine adds cotangents with it."""


final: type[AbstractTensor] = AbstractTensor
"""The class of all tensors that ops return; the final `Tensor` enters itself through `apply.finalize`."""

_ndarray = np.ndarray


CLASS_VARIABLE = re.compile(r"([\w.]*\.)?ClassVar\b")


def annotations_of(cls: type) -> dict[str, Any]:
    """Return the annotations in the body of a class, unevaluated where Python 3.14 and later evaluate them only when asked."""
    written = cls.__dict__.get("__annotations__")
    if written is None and cls.__dict__.get("__annotate_func__") is not None:
        return annotationlib.get_annotations(cls, format=annotationlib.Format.STRING)
    return written or {}


@dataclass_transform(frozen_default=True)
class Op:
    """One operation: its rules side by side. Annotated fields are its attributes, frozen; equality and hash follow from them.

    (A `dataclass` in all but name: the decorator generates and compiles code, 0.4 ms per class, which a hundred ops cannot
    afford at import.)

    `keeps` says which values the derivative reads: input positions and "y" for the output, as in "0 y", or "*" for all inputs;
    a tuple gives one such string per input, for ops where the derivative by one input does not read what another's does. What
    is not kept reaches `vjp` as a `Spec` (inputs) or None (outputs).

    `key` names the op in graphs and errors, and no two ops of lineal have the same: the name of the class unless the class says
    otherwise, of a row the row's.
    """

    key: ClassVar[str] = ""
    grad_name: ClassVar[Any] = property(lambda self: f"{self.key}Backward0")
    """The name under which PyTorch prints this op's node, as in `MulBackward0`; several ops may share one."""
    keeps: ClassVar[str | tuple[str, ...]] = ""
    aliasing: ClassVar[str | None] = None
    """What the output shares with the input: None, "view" (memory and history), "memory" (numbers only)."""
    differentiable: ClassVar[bool] = True
    """Whether the output can carry a cotangent; false where it is an index or a truth value."""

    effect: ClassVar[str | None] = None
    """None, or "ordered": it does something besides computing, as `core.effect` says."""

    no_vjp: ClassVar[str] = ""
    """Why there is no derivative, where there is none."""
    no_batch: ClassVar[str] = ""
    """Why `vmap` has no rule and loops over the slices, where that is so; the rules stand in `transforms/batching`."""
    no_lowering: ClassVar[str] = ""
    """Why compiled functions have no code for it, where they have none; the rules stand in `compiler/lowering/rules`."""
    host_only: ClassVar[str] = ""
    """Why `eager` takes NumPy's arrays alone, where that is so; on other devices it computes on copies."""

    width: ClassVar[int | None] = None
    """How many outputs the op has, if it always has more than one."""
    outputs_read: ClassVar[tuple[int, ...] | None] = None
    """Which of several outputs that it keeps the derivative reads, so that the others may be written; None for all."""

    native: ClassVar[Any] = None
    """The kernel for large arrays, if the op has another for them."""
    large: ClassVar[int] = LARGE_ARRAY
    """From how many elements on they are large."""

    wide: ClassVar[bool] = False
    """Whether half precisions are computed in float32 and rounded once: `eager` then never sees them."""
    settles: ClassVar[bool] = False
    """Whether `eager` is all of `run`, for tensors on the host: it becomes a builtin (`core/opening.py`)."""
    layout: ClassVar[Any] = None
    """The rule of `base/layouts.py` that lays what `eager` gives; None where the kernel itself does so."""

    any_dtype: ClassVar[bool] = False
    """Whether it takes dtypes that are only stored: it moves numbers, or computes what PyTorch too computes of such."""
    premise: ClassVar[bool] = False
    """Whether what follows it was decided on seeing that its one input, truth values, is true everywhere."""
    by_arrays: ClassVar[bool] = True
    """Whether it does nothing but compute with its inputs' arrays, so that it may do it again, or another code for it."""
    plans: ClassVar[dict[tuple[bool, ...], Plan]]
    fields: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = ()
    """How the fields are annotated, word by word, as in "Axis | None": batching reads there which of them are axes."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.plans = {}
        own = {each: str(kind) for each, kind in annotations_of(cls).items() if not CLASS_VARIABLE.match(str(kind))}
        cls.fields, cls.kinds = (*cls.fields, *own), (*cls.kinds, *own.values())
        cls.key = cls.__dict__.get("key", cls.__name__)
        if cls.wide and "eager" in cls.__dict__:
            cls.eager = rounding_once(cls.eager)  # type: ignore[method-assign]
        if cls.layout is not None and not (hasattr(cls.eager, "arranged") or hasattr(cls.eager, "__isabstractmethod__")):
            cls.eager = arranging(cls.eager)  # type: ignore[method-assign]

    def __init__(self, *given: Any, **named: Any):
        attributes = self.__dict__
        attributes.update(zip(self.fields, given))
        if len(given) == len(self.fields) and not named:
            return
        attributes.update(named)
        for each in self.fields:
            if each not in attributes and not hasattr(type(self), each):
                raise TypeError(f"{type(self).__name__}: expected the attributes {self.fields}, got no {each}")
        if len(given) > len(self.fields) or not attributes.keys() <= set(self.fields):
            raise TypeError(f"{type(self).__name__}: expected the attributes {self.fields}, got {given} and {named}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}: an op is frozen; make another one instead of setting {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, each) == getattr(other, each) for each in self.fields)

    def __hash__(self) -> int:
        return hash((type(self), *[getattr(self, each) for each in self.fields]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{each}={getattr(self, each)!r}' for each in self.fields)})"

    @abstractmethod
    def eager(self, xp: Any, *xs: Any) -> Any:
        """Return the output array (or a tuple of them) of the arrays `xs`; `xp` is the module whose functions take them."""

    def narrow(self, xp: Any, kernel: Callable[..., Any], *xs: Any) -> Any:
        """Return the result for half precisions of a `wide` op; `kernel(*xs)` is its `eager`, which takes wider numbers."""
        return rounded(kernel, *xs)

    @abstractmethod
    def vjp(self, needs: tuple[bool, ...], g: Any, y: Any, *xs: Any) -> tuple:
        """Return the inputs' cotangents, in terms of ops, from the output's cotangent `g`.

        An entry whose `needs` is false is ignored and may be anything. An op of several outputs gets tuples as `g` and `y`;
        a cotangent in `g` is None where nothing depends on that output.
        """

    def check(self, *xs: AbstractTensor) -> None:
        """Raise the error that explains why `xs` are refused; called when the kernel has failed."""

    def part(self, place: int) -> Op:
        """Return the view op of one output that gives output `place` of this view op of several."""
        raise RuntimeError(f"{self.key}: not a view op of several outputs")

    def run(self, xs: tuple[AbstractTensor, ...]) -> Any:
        """Return what the eager kernel makes of the tensors' arrays."""
        if STORED_ONLY:
            require_computable(self, *xs)
        if FOREIGN:
            return self.placed(xs)
        if len(xs) == 1:
            value = xs[0].value
            return self.eager(np if value.__class__ is _ndarray else array_module(value), value)
        values = tuple(map(value_of, xs))
        return self.eager(np if not values or values[0].__class__ is _ndarray else array_module(values[0]), *values)

    def as_kernel(self) -> Callable[..., Any] | None:
        """Return what `run` does with arrays, `kernel(xp, *arrays)`; None if that is not all it does."""
        return self.eager if type(self).run is Op.run else None

    def placed(self, xs: tuple[AbstractTensor, ...]) -> Any:
        """Return what `run` does where there are several kinds of devices, in the memory of the one that `xs` lie on."""
        platform, values = meeting(self.key, [x.value for x in xs])
        if not self.host_only or platform is HOST:
            with suppress(NoNumbersError):  # where a kernel looks at numbers and there are none, others give the same shape
                return self.eager(platform.module, *values)
        y = self.eager(np, *map(lent, values))
        found = tuple([moved(np.asarray(each), platform) for each in (y if y.__class__ is tuple else (y,))])
        return found if y.__class__ is tuple else found[0]

    def remember(self, node: Node, xs: tuple[AbstractTensor, ...], value: Any) -> None:
        """Let `node` keep what the derivative will read."""
        if len(xs) == 1:
            x = xs[0]
            node.edges = (x.node,)
            node.indices = (x.index,)
            plan = self.plans.get(_NEEDED) or self.plan(_NEEDED)
            if plan.holds:
                node.kept = (x if plan.inputs else (x.value.shape, x.value.dtype),)
                node.y = value if plan.output else None
            else:
                node.kept, node.y = [(x.value.shape, x.value.dtype)], None
            return
        node.edges = edges = tuple(map(node_of, xs))
        node.indices = tuple(map(index_of, xs))
        plan = self.plan(tuple([edge is not None for edge in edges]))
        kept = [x if keep else (x.value.shape, x.value.dtype) for x, keep in zip(xs, plan.marks)]
        node.kept = tuple(kept) if plan.holds else kept
        node.y = value if plan.output else None

    def pull(self, node: Node, g: Any, edges: tuple) -> tuple:
        """Return the inputs' cotangents, for the inputs whose edge is not None, from what `node` kept."""
        if node.kept is None:
            raise released(node)
        xs: list[Any] = [_named(Spec, x) if x.__class__ is tuple else x for x in node.kept]
        if len(xs) == 1 and xs[0].__class__ is Spec and node.y is None:
            return self.vjp(_NEEDED, g, None, xs[0])
        for place, x in enumerate(xs):
            if x.__class__ is not Spec and x.memory is not None and x.memory.written > node.id:
                raise changed(node, x.memory, f"input {place} of shape {list(x.value.shape)}")
        y = None if node.y is None else output(node)
        return self.vjp(tuple([edge is not None for edge in edges]), g, y, *xs)

    def saved(self, node: Node) -> dict[str, Any]:
        """Return the tensors that `node` keeps by PyTorch's names of them: `self`, `other` and `result`."""
        if node.kept is None:
            raise released(node)
        inputs = zip(("self", "other"), node.kept)
        found = {name: each for name, each in inputs if isinstance(each, AbstractTensor)}
        return found if node.y is None or node.y.__class__ is tuple else found | {"result": output(node)}

    def plan(self, needs: tuple[bool, ...]) -> Plan:
        """Return what to keep when the inputs in `needs` want derivatives."""
        found = self.plans.get(needs)
        if found is None:
            found = self.plans[needs] = planned(self.keeps, needs)
        return found


ViewOp = Op
"""A view op among the attributes of another."""

_NEEDED = (True,)
value_of, node_of, index_of = map(operator.attrgetter, ("value", "node", "index"))


def module_of(x: AbstractTensor) -> Any:
    """Return the array module of x's device: what makes constants beside x."""
    return np if x.value.__class__ is _ndarray else array_module(x.value)


_named = tuple.__new__


class Node:
    """One op in the history of a tensor: what made it, of what, and the values its derivative will read."""

    __slots__ = ("__weakref__", "code", "edges", "extra", "id", "indices", "kept", "memories", "offset", "op", "y")

    op: Op
    edges: tuple[Node | None, ...]
    indices: tuple[int | None, ...]
    kept: Any
    """What the op keeps of its inputs, in its own format. A list holds shapes and dtypes alone: the backward pass leaves it, so
    that it may be gone through again; all else it replaces by None."""
    y: Any
    """The kept output array (a tuple of them if there are several), or None."""
    code: Any
    """With `offset`, the place in the user's code: its site."""
    offset: int
    id: int
    extra: Extra | None
    memories: dict[int | None, Memory] | None
    """The memory of the outputs that were viewed or written, by their index: what tells whether a kept output was changed."""

    @property
    def site(self) -> Site:
        """Where in the user's code the op ran."""
        return self.code, self.offset

    def name(self) -> str:
        """Return PyTorch's name of this node."""
        return self.op.grad_name if self.__class__ is Node else type(self).__name__

    @property
    def next_functions(self) -> tuple:
        """The nodes of the inputs, as pairs of node and output index."""
        return tuple((None if edge is None else titled(edge), index or 0) for edge, index in zip(self.edges, self.indices))

    @property
    def metadata(self) -> dict:
        """What users write down at the node; and where in their code the op ran."""
        written = extra_of(self).metadata
        if self.id:
            written.setdefault("site", describe(self.site))
        return written

    def _sequence_nr(self) -> int:
        """Return the number of the node: greater than that of any made before."""
        return self.id

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            found = self.op.saved(self)
            if name[7:] in found:
                return found[name[7:]]
        elif not name.startswith("_") and name not in Node.__slots__:
            context = self.op.__dict__.get("context")
            if context is not None and hasattr(context, name):
                return context.of(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *([] if self.kept is None else [f"_saved_{name}" for name in self.op.saved(self)])]

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node's vjp; what it returns replaces grad_inputs."""
        return register(extra_of(self).after, hook)

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node's vjp; what it returns replaces grad_outputs."""
        return register(extra_of(self).before, hook)

    def __repr__(self) -> str:
        return f"<{self.name().rpartition(':')[2]} object at {id(self):#x}>"


class Leaf(Node):
    """Stands for a tensor the user differentiates by; its cotangent is added to `tensor.grad`."""

    __slots__ = ("reference",)

    def __init__(self, tensor: AbstractTensor):
        self.id = 0
        self.edges = self.indices = self.kept = ()
        self.y = self.extra = self.memories = None
        self.reference = weakref.ref(tensor)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> AbstractTensor | None:
        """The leaf tensor, or None if nobody holds it any more."""
        return self.reference()


@functools.cache
def node_class(name: str, base: type[Node]) -> type[Node]:
    """Return the class of the nodes with a name, as users of PyTorch read it off `type(x.grad_fn)`."""
    return type(name, (base,), {"__slots__": ()})


def titled(node: Node) -> Node:
    """Return a node that is shown to the user, whose class now has its name."""
    if node.__class__ is Node or node.__class__ is Leaf:
        node.__class__ = node_class(node.name().rpartition(":")[2], node.__class__)
    return node


def final_tensor(value: np.ndarray) -> Any:
    """Return a constant tensor over an array."""
    y = object.__new__(final)
    y.value = value
    y.node = y.index = y.memory = y.origin = None
    return y


def output(node: Node) -> Any:
    """Return the kept output as a tensor with `node` as its history (a tuple if there are several)."""
    if node.memories is not None:
        read = node.op.outputs_read
        for index, memory in node.memories.items():
            if memory.written > node.id and (read is None or index in read):
                raise changed(node, memory, "its output")
    if node.y.__class__ is tuple:
        return tuple([as_output(node, place, value) for place, value in enumerate(node.y)])
    return as_output(node, None, node.y)


def as_output(node: Node, index: int | None, value: Any) -> AbstractTensor:
    """Return an array as the output `index` of a node (None: the only one); whole numbers among several have no history."""
    y = object.__new__(final)
    y.value = value if value.__class__ is _ndarray or value.__class__ in FOREIGN else np.asarray(value)
    y.node = node if index is None or y.value.dtype.kind not in "iub" else None
    y.index = index
    y.memory = y.origin = None
    return y


def released(node: Node) -> RuntimeError:
    """Return the error for a second backward pass through a node."""
    return RuntimeError(
        f"backward: Trying to backward through the graph a second time at `{node.op.key}` ({describe(node.site)}): its kept "
        "values were freed by the first pass; pass retain_graph=True to the first backward() or grad()"
    )


def changed(node: Node, memory: Memory, what: str) -> RuntimeError:
    """Return the error for a kept value that was written in place, naming both ops and both lines."""
    writer, place = memory.writer or ("an in-place write", node.site)
    return RuntimeError(
        f"backward: one of the variables needed for gradient computation has been modified by an inplace operation: {what}, "
        f"which `{node.op.key}` needs ({describe(node.site)}), was changed by `{writer}` ({describe(place)}); "
        "write into a clone(), or use the out-of-place form"
    )
