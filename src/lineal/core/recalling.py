"""Calls that are recalled: what a public function did for such arguments before, done again without its Python.

Which ops a function runs depends on its arguments' types, dtypes, shapes, strides and numbers, on whether there is a history
and grad is enabled, and on the default dtype: on nothing else, or who listens hears of it (`modes.Recorder`), which is what
compiled functions rely on too. So a call that was heard and did nothing but ops is written down: which ops, on what. The same
call, by all of that, is then done by a builtin (`codegen/cpython/recalling.py`) that runs these ops. What is written down is
compared with what the function itself gives, to the last bit and node; anything unusual goes to the function, always.
"""

from __future__ import annotations

import warnings
from _thread import allocate_lock  # threading.Lock without threading, a millisecond of import
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NoReturn, Self

import numpy as np

from lineal.base import later
from lineal.base.platforms import UNUSUAL
from lineal.base.replays import CONSTANT, GIVEN, MADE, MOST, MOST_RESULTS, MOST_STEPS, STATE, Plan, Ref, Step, Write
from lineal.core import modes
from lineal.core import op as engine
from lineal.core.apply import apply, perform, way
from lineal.core.compounds import compounded
from lineal.core.inplace import write
from lineal.core.op import AbstractTensor, Node, Op

__all__ = ["Recall"]

generators: Any = later.module("lineal.ops.random.generator")

MOST_NUMBERS = 1 << 14
"""Of how many numbers tensors are at most."""
MET = 3
"""How often a call is met before it is heard."""


class Unlike(Exception):  # noqa: N818
    """A call that cannot be recalled."""


class Hearing(modes.Recorder):
    """Writes down the ops of a call; whatever else is heard makes it one that is not recalled."""

    def __init__(self) -> None:
        self.heard: list[tuple[Op, tuple, tuple]] = []
        self.writes: list[tuple[AbstractTensor, AbstractTensor, int]] = []
        """What was written into, what, and after how many ops, besides the generator's state."""
        self.names: list[str] = []
        """The names of these writes, as they were checked."""

    def heeds(self, setting: ContextVar) -> bool:
        """Do not wonder which generator is the thread's: a plan is for threads that have none."""
        return setting is not modes.thread_generator and refused()

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Note a write; that the state of the generator goes on is an op too."""
        if target is not modes.thread_generator.get().state:
            self.writes.append((target, source, len(self.heard)))

    def check(self, target: AbstractTensor, name: str) -> None:
        """Note the name of a write that is about to be done."""
        if target is not modes.thread_generator.get().state:
            self.names.append(name)

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        self.heard.append((op, xs, ys))


def refused(*_: Any) -> NoReturn:
    raise Unlike


for name in (
    "concretize turns goes_back foreign searches opaque number assume saw relies clips looks reads_grad sets_grad"
).split():
    setattr(Hearing, name, refused)


def untouched(target: AbstractTensor, name: str) -> None:
    """Refuse a write, but for that of the generator's state."""
    if target is not modes.thread_generator.get().state:
        refused()


class Overhearing:
    """Writes down the ops of code, which does not know; within its block doors lead to `apply`, and warnings are errors."""

    def __init__(self) -> None:
        self.heard: list[tuple[Op, tuple, tuple]] = []

    def __enter__(self) -> Self:
        self.before, self.told = way.taken, (warnings.warn, warnings.warn_explicit)
        self.token = modes.overheard.set(self)
        UNUSUAL.add(Overhearing)
        way.taken = self.hear
        warnings.warn, warnings.warn_explicit = (self.warned(each) for each in self.told)  # type: ignore[assignment]
        return self

    def __exit__(self, *error: object) -> None:
        warnings.warn, warnings.warn_explicit = self.told  # type: ignore[assignment]
        way.taken = self.before
        UNUSUAL.discard(Overhearing)
        modes.overheard.reset(self.token)

    def hear(self, op: Op, *xs: AbstractTensor) -> Any:
        """Do what `apply` does; other threads' ops are not written down."""
        if modes.overheard.get() is not self:
            return self.before(op, *xs)
        y = perform(op, *xs)
        self.heard.append((op, xs, y if type(y) is tuple else (y,)))
        return y

    def warned(self, tell: Callable[..., None]) -> Callable[..., None]:
        """Return what warns, and makes a call that would warn one that is not recalled."""

        def warn(*given: Any, **options: Any) -> None:
            if modes.overheard.get() is self:
                raise Unlike
            tell(*given, **options)

        return warn


class Recall:
    """What is known of a function's calls."""

    lock = allocate_lock()
    """One thread writes down a call at a time."""

    def __init__(self, function: Callable[..., Any], enter: Callable[[bytes, Plan | None, list[Any]], None]):
        self.function, self.enter = function, enter
        self.met: dict[bytes, int] = {}

    def missed(self, key: bytes, *args: Any, **kwargs: Any) -> Any:
        """Do a call of which nothing is known by its key; write it down once it was met before."""
        count = self.met[key] = self.met.get(key, 0) + 1
        versions = [version(each) for each in tensors_in((args, kwargs))]
        y = self.function(*args, **kwargs)
        if len(self.met) > MOST:
            self.met.clear()
        elif count >= MET and self.lock.acquire(False):
            try:
                self.met.pop(key, None)
                same = versions == [version(each) for each in tensors_in((args, kwargs))]
                plan = (self.written if same else self.written_in_place)(y, args, kwargs)
            except Exception:
                # whatever a function says to being heard, it is called as ever
                plan = None
            finally:
                self.lock.release()
            self.enter(key, plan, list(described((args, kwargs))))
        return y

    def written(self, y: Any, args: tuple, kwargs: dict[str, Any]) -> Plan:
        """Return the plan of a call that gave y; Unlike if there is none that gives the same."""
        results, given = y if isinstance(y, tuple) else (y,), list(tensors_in((args, kwargs)))
        if not results or any(type(each) is not engine.final for each in results):
            raise Unlike
        # of more numbers Python is short beside the work, and there are ways that do the work of several ops
        if max(each.value.size for each in (*results, *given)) > MOST_NUMBERS:
            raise Unlike
        if isinstance(y, tuple) and tuple(type(y)(results)) != results:
            raise Unlike
        # random numbers are drawn from a generator beside the process's, which is not to notice
        spare = generators.default_generator.clone_state()
        with modes.Setting((modes.thread_generator, spare)):
            with Overhearing() as quiet:
                # first with a listener, who is told before something is written
                with modes.Setting((modes.recorder, listener := Hearing()), (modes.guard, untouched)):
                    heard = self.function(*args, **kwargs)
                quiet.heard.clear()
                unheard = self.function(*args, **kwargs)
                plan = chosen(planned(quiet.heard, given, unheard), planned(listener.heard, given, heard))
                _, made = done(plan, given)
                plans = [
                    each for each in (compounded(plan, given, made, spare.state), plan) if self.holds(each, (args, kwargs))
                ]
            for each in plans:
                with suppress(Unlike):
                    return self.verified(each, (args, kwargs))
        raise Unlike

    def holds(self, plan: Plan, things: Any) -> bool:
        """Return whether a plan gives what the function gives of other numbers too."""
        try:
            for other in (1.0, 0.75):
                self.tried(plan, renewed(things, other))
        except Unlike:
            return False
        return True

    def written_in_place(self, y: Any, args: tuple, kwargs: dict[str, Any]) -> Plan:
        """Return the plan of a call that wrote into its first tensor, y, alone; what is tried is written into copies."""
        given = list(tensors_in((args, kwargs)))
        if y is not given[0] or any(each.node is not None or each.origin is not None for each in given):
            raise Unlike
        if max(each.value.size for each in given) > MOST_NUMBERS or not y.value.flags.c_contiguous:
            raise Unlike
        spare, listener = generators.default_generator.clone_state(), Hearing()
        with modes.Setting((modes.thread_generator, spare)), Overhearing():
            copies = renewed((args, kwargs), 1.0)
            given, before = list(tensors_in(copies)), [each.value for each in tensors_in(copies)]
            with modes.Setting((modes.recorder, listener), (modes.guard, listener.check)):
                found = self.function(*copies[0], **copies[1])
            if found is not given[0] or len(listener.writes) != 1 or any(a is not b.value for a, b in zip(before, given)):
                raise Unlike
            plan = writing(listener, given)
            made = list(done(plan, list(tensors_in(renewed((args, kwargs), 1.0))))[1])
            one = compounded(plan, given, made, spare.state)
        with modes.Setting((modes.thread_generator, spare)):
            with suppress(Unlike):
                return self.verified_in_place(one, (args, kwargs))
            return self.verified_in_place(plan, (args, kwargs))

    def verified_in_place(self, plan: Plan, things: Any) -> Plan:
        """Return a plan that writes; Unlike if it writes something else than the function."""
        state = modes.thread_generator.get().state.value
        for scale in (1.0, 0.75):
            (ones, names), others = renewed(things, scale), list(tensors_in(renewed(things, scale)))
            start = state.copy()
            found = self.function(*ones, **names)
            after, state[...] = state.copy(), start
            (again,), _ = done(plan, others)
            if found.__dict__ or again is not others[0] or not np.array_equal(state, after):
                raise Unlike
            for a, b in zip(tensors_in((ones, names)), others, strict=True):
                alike_arrays(a.value, b.value)
                if version(a)[:2] != version(b)[:2] or a.origin is not None:
                    raise Unlike
        return plan

    def verified(self, plan: Plan, things: Any) -> Plan:
        """Return a plan with what its nodes are classed as; Unlike if it gives something else than the function."""
        found, again, made = self.both(plan, things)
        pairs: dict[tuple[int, int], None] = {}
        classes: dict[Any, type] = {}
        for a, b in zip(found if isinstance(found, tuple) else (found,), again, strict=True):
            alike(a, b, pairs, classes)
        return plan._replace(classes={n: classes[id(each.node)] for n, each in enumerate(made) if id(each.node) in classes})

    def both(self, plan: Plan, things: Any) -> tuple[Any, Any, Any]:
        """Return what the function and its plan give of arguments and the same random numbers, and all that the plan makes."""
        state = modes.thread_generator.get().state.value
        before = state.copy()
        found = self.function(*things[0], **things[1])
        after, state[...] = state.copy(), before
        again = done(plan, list(tensors_in(things)))
        if not np.array_equal(state, after):
            raise Unlike
        return found, *again

    def tried(self, plan: Plan, others: Any) -> None:
        """Raise Unlike if a plan gives other numbers than the function."""
        found, again, _ = self.both(plan, others)
        for a, b in zip(found if isinstance(found, tuple) else (found,), again, strict=True):
            alike_arrays(a.value, b.value)


def chosen(unheard: Plan, heard: Plan) -> Plan:
    """Return what a call does where nobody listens, with what the listener heard of numbers that it relies on.

    Unlike if it does something else when somebody listens, for then what it relies on is not known.
    """
    if outlined(unheard) != outlined(heard):
        raise Unlike
    return heard if any(isinstance(step.op, Op) and step.op.premise for step in heard.steps) else unheard


def outlined(plan: Plan) -> list[Any]:
    """Return the ops that a plan's results are made by, and of what, whether numbers are repeated by an op or in passing."""
    found: list[Any] = []
    for step in plan.steps:
        given = tuple([told(ref, found) for ref in step.given])
        made = given[0] if isinstance(step.op, Op) and step.op.key == "Expand" else (step.op, given)
        found += [made] if step.width is None else [(made, n) for n in range(step.width)]
    return [told(ref, found) for ref in plan.returned]


def told(ref: Ref, made: list[Any]) -> Any:
    """Return what a tensor of a plan is, whichever plan."""
    if ref.kind == CONSTANT:
        value = ref.thing.value
        return value.dtype, value.shape, value.tobytes()
    return made[ref.thing] if ref.kind == MADE else ref


def described(things: Any) -> Iterator[Any]:
    """Yield what a description has the addresses of."""
    if isinstance(things, AbstractTensor):
        yield type(things)
        yield things.value.dtype
    elif isinstance(things, (tuple, list)):
        for each in things:
            yield from described(each)
    elif isinstance(things, dict):
        yield from things
        yield from described(list(things.values()))
    else:
        yield things


def tensors_in(things: Any) -> Iterator[AbstractTensor]:
    """Yield the tensors among arguments, in the order in which they are described."""
    if isinstance(things, AbstractTensor):
        yield things
    elif isinstance(things, (tuple, list)):
        for each in things:
            yield from tensors_in(each)
    elif isinstance(things, dict):
        for each in things.values():
            yield from tensors_in(each)


def renewed(things: Any, scale: float) -> Any:
    """Return arguments like these, with the numbers of each tensor in another order, and so many times as large."""
    if isinstance(things, AbstractTensor):
        x: Any = object.__new__(engine.final)
        value = things.value
        steps = [step * (size - 1) for step, size in zip(value.strides, value.shape)] if value.size else []
        low, high = sum(each for each in steps if each < 0), sum(each for each in steps if each > 0)
        x.value = np.ndarray(value.shape, value.dtype, np.zeros(high - low + value.itemsize, np.uint8), -low, value.strides)
        # of truth values there are others, lest the same number of them are true
        turned = ~value if value.dtype == bool else value if value.dtype.kind not in "fc" else value * value.dtype.type(scale)
        x.value[...] = np.flip(turned)
        x.node = x.index = x.memory = x.origin = None
        return x if things.node is None else x.requires_grad_()
    if isinstance(things, (tuple, list)):
        return type(things)([renewed(each, scale) for each in things])
    return {name: renewed(each, scale) for name, each in things.items()} if isinstance(things, dict) else things


def version(x: AbstractTensor) -> tuple[int, Any, Any]:
    """Return what a write changes of a tensor."""
    return 0 if x.memory is None else x.memory.version, x.node, id(x.value)


def planned(heard: Sequence[tuple[Op, tuple, tuple]], given: Sequence[AbstractTensor], y: Any) -> Plan:
    """Return the plan of the ops that were heard."""
    refs = {id(each): Ref(GIVEN, n) for n, each in reversed(list(enumerate(given)))}
    refs[id(modes.thread_generator.get().state)] = Ref(STATE, 0)
    steps, count = [], 0
    for op, xs, ys in heard:
        if not op.by_arrays or op.effect is not None or len(xs) > 8 or shapes_vary(op, xs):
            raise Unlike
        steps.append(
            Step(op if op.key != "Advance" else None, tuple([refs.get(id(x)) or constant(x, given) for x in xs]), None)
        )
        for each in ys:
            refs[id(each)] = Ref(MADE, count)
            count += 1
        if len(ys) != 1 or op.width is not None:
            steps[-1] = steps[-1]._replace(width=len(ys))
    returned = y if isinstance(y, tuple) else (y,)
    if not steps or len(steps) > MOST_STEPS or count > MOST_RESULTS or any(id(each) not in refs for each in returned):
        raise Unlike
    found = tuple([refs[id(each)] for each in returned])
    if any(each.kind != MADE for each in found) or len(set(found)) < len(found):
        raise Unlike
    draws = any(ref.kind == STATE for step in steps for ref in step.given)
    source = (generators.default_generator, generators.WRITER) if draws else None
    return Plan(tuple(steps), found, type(y) if isinstance(y, tuple) else None, {}, source)


def writing(listener: Hearing, given: Sequence[AbstractTensor]) -> Plan:
    """Return the plan of ops and of one write, of what the last of them made, into the first of those given."""
    ((target, source, count),) = listener.writes
    plain = source.value.shape == target.value.shape and source.value.dtype == target.value.dtype
    if target is not given[0] or not plain or len(listener.names) != 1 or count != len(listener.heard):
        raise Unlike
    if any(np.may_share_memory(source.value, each.value) for each in given):
        raise Unlike
    plan = planned(listener.heard, given, source)
    step = Step(Write(listener.names[0]), (Ref(GIVEN, 0), plan.returned[0]), None)
    count = sum([each.width or 1 for each in plan.steps])
    return plan._replace(steps=(*plan.steps, step), returned=(Ref(MADE, count),))


def shapes_vary(op: Op, xs: tuple) -> bool:
    """Return whether the shape of what an op gives or takes depends on numbers: truth values choose places, or it says so."""
    return op.no_lowering.startswith("runs eagerly") or ("places" in op.fields and any(x.value.dtype == bool for x in xs[1:]))


def constant(x: AbstractTensor, given: Sequence[AbstractTensor]) -> Ref:
    """Return a tensor that a function made of its own."""
    if x.node is not None or x.origin is not None or type(x.value) is not np.ndarray:
        raise Unlike
    if any(np.may_share_memory(x.value, each.value) for each in given):
        raise Unlike
    return Ref(CONSTANT, x)


def done(plan: Plan, given: Sequence[AbstractTensor]) -> tuple[tuple[Any, ...], list[Any]]:
    """Return what a plan gives, and all that it makes."""
    made: list[Any] = []
    state = modes.thread_generator.get().state
    things = {GIVEN: given, MADE: made, STATE: (state,)}
    find = lambda ref: ref.thing if ref.kind == CONSTANT else things[ref.kind][ref.thing]
    for step in plan.steps:
        if step.op is None:
            state.value[1] += 1
            made.append(state)
            continue
        if isinstance(step.op, Write):
            made.append(write(find(step.given[0]), find(step.given[1]), step.op.name))
            continue
        if step.op.premise:
            made.append(find(step.given[0]))
            if not made[-1].value.all():
                raise Unlike
            continue
        y = apply(step.op, *map(find, step.given))
        if (type(y) is tuple) is (step.width is None) or (step.width is not None and len(y) != step.width):
            raise Unlike
        made += y if type(y) is tuple else (y,)
    return tuple(map(find, plan.returned)), made


def alike(a: Any, b: Any, pairs: dict[tuple[int, int], None], classes: dict[Any, type]) -> None:
    """Raise Unlike unless two tensors have the same numbers, views and histories; note how the first's nodes are classed."""
    alike_arrays(a.value, b.value)
    if type(a) is not type(b) or a.__dict__ or b.__dict__ or a.index != b.index:
        raise Unlike
    if (a.origin is None) != (b.origin is None) or (a.memory is None) != (b.memory is None):
        raise Unlike
    if a.origin is not None and (a.origin.steps != b.origin.steps or a.origin.root is not b.origin.root):
        raise Unlike
    if a.origin is not None and (a.origin.tracked is not b.origin.tracked or a.memory is not b.memory):
        raise Unlike
    alike_nodes(a.node, b.node, pairs, classes)


def alike_arrays(x: Any, y: Any) -> None:
    """Raise Unlike unless two arrays are the same to the last bit."""
    if type(x) is not type(y) or (x.dtype, x.shape, x.strides) != (y.dtype, y.shape, y.strides) or x.tobytes() != y.tobytes():
        raise Unlike


def alike_nodes(a: Any, b: Any, pairs: dict[tuple[int, int], None], classes: dict[Any, type]) -> None:
    """Raise Unlike unless two histories are of the same ops."""
    if a is b or (id(a), id(b)) in pairs:
        return
    pairs[id(a), id(b)] = None
    if a is None or b is None or not isinstance(a, Node) or not isinstance(b, Node) or a.extra is not None:
        raise Unlike
    if a.op != b.op or a.indices != b.indices or len(a.edges) != len(b.edges):
        raise Unlike
    if type(a) is not type(b):
        classes[id(b)] = type(a)
    for one, other in zip(a.edges, b.edges):
        alike_nodes(one, other, pairs, classes)
