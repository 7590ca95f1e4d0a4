"""The Emitter's control flow: loops over numbers and over blocks of lanes, and branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.kinds import Kind
from lineal.codegen.memory import Memory
from lineal.codegen.values import Value, Variable


class Flow(Memory):
    """What the Emitter can do with control."""

    def variable(self, value: Value) -> Variable:
        """Return a variable; loops and branches that change it must name it in `carried`."""
        return Variable(value)

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        self.line(f"br i1 {condition.text}, label %{yes}, label %{no}")

    @contextmanager
    def loop(
        self, stop: int | Value, start: int | Value = 0, step: int | Value = 1, *, carried: Sequence[Variable] = ()
    ) -> Iterator[Value]:
        """Write a loop for i in range(start, stop, step), step > 0; yield i."""
        head, body, done = self.label("head"), self.label("body"), self.label("done")
        start, stop, step = self.index(start), self.index(stop), self.index(step)
        before = self.frame.block
        self.jump(head)
        self.begin(head)
        states = [Variable(start), *carried]
        phis = [Value(self, self.name(), each.value.kind, each.value.lanes) for each in states]
        place = len(self.frame.lines)
        initial = [each.value.text for each in states]
        self.frame.lines.extend("" for _ in states)
        for each, phi in zip(states, phis):
            each.value = phi
        self.branch(phis[0] < stop, body, done)
        self.begin(body)
        yield phis[0]
        states[0].value = phis[0] + step
        after = self.frame.block
        self.jump(head)
        for n, (each, phi) in enumerate(zip(states, phis)):
            arms = f"[ {initial[n]}, %{before} ], [ {each.value.text}, %{after} ]"
            self.frame.lines[place + n] = f"  {phi.text} = phi {phi.type} {arms}"
            each.value = phi
        self.begin(done)

    @contextmanager
    def if_else(
        self, condition: Value, *, carried: Sequence[Variable] = ()
    ) -> Iterator[tuple[AbstractContextManager, AbstractContextManager]]:
        """Write a branch on a scalar bool; yield two contexts, for what happens if it holds and if not."""
        yes, no, done = self.label("yes"), self.label("no"), self.label("done")
        self.branch(condition, yes, no)
        initial = [each.value for each in carried]
        ends: dict[str, tuple[str, list[str]]] = {}

        @contextmanager
        def arm(label: str) -> Iterator[None]:
            for each, value in zip(carried, initial):
                each.value = value
            self.begin(label)
            yield
            ends[label] = (self.frame.block, [each.value.text for each in carried])
            self.jump(done)

        yield arm(yes), arm(no)
        if no not in ends:
            with arm(no):
                pass
        self.begin(done)
        for n, (each, value) in enumerate(zip(carried, initial)):
            arms = ", ".join(f"[ {values[n]}, %{block} ]" for block, values in ends.values())
            each.value = self.new(f"phi {value.type} {arms}", value.kind, value.lanes)

    @contextmanager
    def when(self, condition: Value, *, carried: Sequence[Variable] = ()) -> Iterator[None]:
        """Write what happens if a scalar bool holds."""
        with self.if_else(condition, carried=carried) as (then, _), then:
            yield

    def blocks(
        self,
        stop: int | Value,
        kind: Kind | int,
        start: int | Value = 0,
        *,
        unroll: int = 1,
        compact: bool = False,
        carried: Sequence[Variable] = (),
    ) -> Iterator[Block]:
        """Write a loop over range(start, stop) in vectors of `kind` (or of so many lanes); use as `for block in e.blocks(…)`.

        The body of the `for` runs more than once, each time writing the code of another part: `unroll` whole vectors, single
        whole vectors if `unroll` > 1, and the tail, whose accesses are masked; parts that a known length does not need are left
        out. With `compact` there is one loop, every access of which is masked: half the code, a little slower.
        """
        lanes = kind if isinstance(kind, int) else self.lanes(kind)
        if isinstance(start, int) and isinstance(stop, int) and not self.general:
            yield from self.known_blocks(start, stop, lanes, unroll, carried)
            return
        start, stop = self.index(start), self.index(stop)
        if compact and lanes > 1:
            with self.loop(stop, start, lanes, carried=carried) as i:
                yield Block(self, i, lanes, self.first_lanes(stop - i, lanes))
            return
        position = start
        for group in (unroll, 1) if unroll > 1 else (1,):
            # the last whole group starts at or before stop - group · lanes
            with self.loop(stop - (lanes * group - 1), position, lanes * group, carried=carried) as i:
                yield from self.whole_blocks(i, group, lanes)
            position = i
        if lanes > 1:
            with self.when(position < stop, carried=carried):
                yield Block(self, position, lanes, self.first_lanes(stop - position, lanes))

    def whole_blocks(self, first: Value, count: int, lanes: int) -> Iterator[Block]:
        for n in range(count):
            yield Block(self, first + n * lanes if n else first, lanes, turn=n)

    def known_blocks(self, start: int, stop: int, lanes: int, unroll: int, carried: Sequence[Variable]) -> Iterator[Block]:
        """Write the blocks of a range known now: the loops that run, and the tail if there is one."""
        for group in (unroll, 1) if unroll > 1 else (1,):
            span = lanes * group
            rounds = max(0, stop - start) // span
            if rounds == 1:
                yield from self.whole_blocks(self.index(start), group, lanes)
            elif rounds:
                with self.loop(start + rounds * span, start, span, carried=carried) as i:
                    yield from self.whole_blocks(i, group, lanes)
            start += rounds * span
        if start < stop:
            mask = self.first_lanes(self.const(stop - start, kinds.int32), lanes)
            yield Block(self, self.index(start), lanes, mask)

    def first_lanes(self, count: Value, lanes: int) -> Value:
        """Return a mask of the first `count` of the lanes; all, if count is not less."""
        count = self.hidden(count) if count.text == "1" else count
        number = self.cast(self.select(count < lanes, count, lanes), kinds.int32)
        return self.iota(kinds.int32, lanes) < self.splat(number, lanes)

    def hidden(self, value: Value) -> Value:
        """Return a value of which LLVM does not see that it is a constant.

        Up to version 22, where the mask of a store is known to be of one lane and the vector was made narrower for it, LLVM
        stores that lane as wide as it was before (AVX-512; llvm-project issue 179489).
        """
        return self.new(f'call {value.type} asm "", "=r,0"({value.typed})', value.kind)
