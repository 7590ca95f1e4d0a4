"""A compiled function whose result somebody differentiates: an op with a native forward and a native backward pass.

The trace is replayed once with its inputs as leaves, and gone back through with cotangents as further inputs. The recorder
hears both; the equations up to the outputs are the forward program, the others the backward program, and what the second needs
of the first is saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from lineal.base.layouts import uncommon_steps
from lineal.compiler import passes
from lineal.compiler.calling.general import Codes
from lineal.compiler.calling.launch import REFUSED, Unmet, calling, present
from lineal.compiler.calling.program import Program
from lineal.compiler.capturing.capture import Capture
from lineal.compiler.capturing.results import several
from lineal.compiler.capturing.taping import Taped, leaf_like
from lineal.compiler.capturing.trace import Trace
from lineal.compiler.lowering.packing import packed
from lineal.compiler.nodes.blame import Blaming
from lineal.compiler.rewrites import Draft, pieces, rewritten
from lineal.compiler.rewrites.rolling import Rolling, is_view, nested, without_idle_views
from lineal.core import AbstractTensor, Op, apply, gradients, lift, modes
from lineal.core.effect import outlined
from lineal.core.op import Node, changed, released
from lineal.ops.structural.reshape import View
from lineal.tracing import Equation, Var, evaluate

__all__ = ["DifferentiableProgram"]


NOTHING = nullcontext()


class Joint:
    """The forward and the backward trace of one trace."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.capture = capture = Capture()
        self.sources = [*trace.inputs, *trace.captured]
        given = [*trace.arguments, *trace.captured.values()]
        self.wanted = [x.node is not None for x in given]
        leaves = [leaf_like(x.value, yes) for x, yes in zip(given, self.wanted)]
        for x in leaves:
            capture.argument(x)
        with modes.Setting((modes.recorder, capture), (modes.grad_enabled, True)):
            env = replay(trace, dict(zip(self.sources, leaves)), capture, trace.effects)
            self.outputs = [env[var] for var in trace.outputs]
            self.variables = {var: capture.read(x) for var, x in env.items()}
            self.border = len(capture.equations)
            self.differentiable = [y.node is not None for y in self.outputs]
            self.cotangents = [
                lift(np.zeros(y.value.shape, y.value.dtype)) for y, yes in zip(self.outputs, self.differentiable) if yes
            ]
            for g in self.cotangents:
                capture.argument(g)
            ys = [y for y, yes in zip(self.outputs, self.differentiable) if yes]
            xs = [x for x in leaves if x.node is not None]
            with modes.Setting((modes.grad_enabled, False), (modes.rehearsal, outlined)):
                found = gradients(ys, xs, self.cotangents, retain_graph=True, allow_unused=True)
            self.grads = [None if g is None else capture.read(g) for g in found]
            self.layouts = [uncommon_steps(g.value) for g in found if g is not None]
        if capture.refusal is not None or capture.read_numbers:
            raise NotImplementedError(capture.refusal or "a number is read from a tensor on the backward pass")
        self.inputs = capture.inputs[: len(leaves)]
        self.tangents = capture.inputs[len(leaves) :]
        self.ahead, self.back = capture.equations[: self.border], capture.equations[self.border :]
        self.roll()
        self.overwritten, self.read_again = self.read_later()
        tapes = {var for each in self.ahead if isinstance(each.op, Taped) for var in each.outputs}
        effects = {var: self.variables[var] for each in trace.equations if each.op.effect for var in each.outputs}
        later = self.needed_later()
        # a tape is seldom full
        once = list(dict.fromkeys((*effects.values(), *(var for var in later if var in tapes))))
        saved, made, unpacked = packed([var for var in later if var not in once], capture.new)
        self.saved = [*saved, *once]
        self.effects = {var: self.saved.index(result) for var, result in effects.items()}
        """Where, among what is saved, that lies which ops with an effect have given: who needs it again may not ask them."""
        self.ahead += made
        self.back[:0] = unpacked

    def roll(self) -> None:
        """Let equal turns be loops, ahead and back: what turns back read of turns ahead is then one stacked array."""
        if not passes.enabled("rolling"):
            return
        capture, trace = self.capture, self.trace
        self.ahead, self.back = ([nested(each, capture.new) for each in some] for some in (self.ahead, self.back))
        grads = [var for var in self.grads if var is not None]
        later = [*(var for each in self.back for var in each.inputs), *grads]
        kept = [*trace.outputs, *(var for _, var in (*trace.writes, *trace.grads)), *(var for var, _ in trace.reads)]
        kept += [var for each in trace.equations if each.op.effect for var in each.outputs]
        wanted = [*(self.variables[var] for var in kept), *later]
        ahead = Rolling(self.ahead, wanted, capture.literals, capture.new)
        self.ahead = ahead.equations
        draft = Draft([*filter(is_view, self.ahead), *self.back], grads, capture.literals)
        pieces(draft)
        capture.count = max(capture.count, draft.number + 1)
        back = Rolling(draft.equations, grads, capture.literals, capture.new)
        if back.changed:
            self.back = back.equations
            wanted = [*wanted[: len(kept)], *(var for each in self.back for var in each.inputs)]
            self.ahead = without_idle_views(self.ahead, wanted)
        for var, array in {**ahead.numbers, **back.numbers}.items():
            capture.captured[var], capture.steps[var] = lift(array), (1,)

    def read_later(self) -> tuple[list[int], list[int]]:
        """Return the places of inputs that the function writes after it has read them, and of what the backward pass reads."""
        written = {id(x) for x, _ in self.trace.writes}
        given = [*self.trace.arguments, *self.trace.captured.values()]
        ahead = {var for each in self.ahead for var in each.inputs}
        back = {var for each in self.back for var in each.inputs} | set(self.grads)
        overwritten = [n for n, x in enumerate(given) if id(x) in written and self.inputs[n] in ahead | back]
        return overwritten, [n for n, var in enumerate(self.inputs) if var in back and n not in overwritten]

    def needed_later(self) -> list[Var]:
        """Return the variables made by the forward equations that the backward ones, or the grads, read."""
        made = {var for each in self.ahead for var in each.outputs} - {var for each in self.back for var in each.outputs}
        read = [var for each in self.back for var in each.inputs]
        read += [var for var in self.grads if var is not None]
        return list(dict.fromkeys(var for var in read if var in made))

    def forward(self) -> Trace:
        """Return the trace of the outputs, followed by what is saved."""
        trace, count = self.trace, len(self.trace.inputs)
        outputs = [self.variables[var] for var in trace.outputs]
        return replace(
            trace,
            inputs=self.inputs[:count],
            captured={**dict(zip(self.inputs[count:], trace.captured.values())), **self.constants(self.ahead)},
            literals=self.capture.literals,
            live={self.variables[var]: each for var, each in trace.live.items()},
            equations=self.ahead,
            result=several(len(outputs) + len(self.saved)),
            outputs=[*outputs, *self.saved],
            layouts=[*trace.layouts[: len(outputs)], *[None] * len(self.saved), *trace.layouts[len(outputs) :]],
            writes=[(x, self.variables[var]) for x, var in trace.writes],
            steps=self.capture.steps,
            grads=[(leaf, self.variables[var]) for leaf, var in trace.grads],
            reads=[(self.variables[var], number) for var, number in trace.reads],
            differentiable=False,
        )

    def backward(self) -> Trace:
        """Return the trace of the wanted inputs' cotangents; its arguments are all inputs, the saved arrays, the cotangents."""
        trace, capture = self.trace, self.capture
        arrays = {id(var): array for array, var in self.arrays()}
        saved = [arrays[id(var)] for var in self.saved]
        grads = [var for var in self.grads if var is not None]
        return replace(
            trace,
            arguments=[*trace.arguments, *trace.captured.values(), *saved, *self.cotangents],
            inputs=[*self.inputs, *self.saved, *self.tangents],
            captured=self.constants(self.back),
            literals=capture.literals,
            live={},
            equations=self.back,
            result=several(len(grads)),
            outputs=grads,
            layouts=self.layouts,
            writes=[],
            grads=[],
            given=[],
            lent=[],
            steps=capture.steps,
            reads=[],
            guards=[],
            differentiable=False,
        )

    def lighten(self) -> None:
        """Let go of the arrays of the replay; the outputs keep their shapes."""
        self.outputs = [lift(np.broadcast_to(np.zeros((), y.value.dtype), y.value.shape)) for y in self.outputs]
        self.variables, self.cotangents, self.trace.effects = {}, [], {}
        del self.capture

    def constants(self, equations: Sequence[Equation]) -> dict[Var, AbstractTensor]:
        """Return the tensors that derivative rules, or loops, made of nothing and some equations read, or that are grads."""
        read = {var for each in equations for var in each.inputs} | set(self.grads)
        return {var: x for var, x in self.capture.captured.items() if var in read}

    def arrays(self) -> list[tuple[np.ndarray, Var]]:
        """Return arrays that lie as the saved ones will: densely."""
        return [(np.empty(var.spec.shape, var.spec.storage), var) for var in self.saved]


def replay(
    trace: Trace, env: dict[Var, Any], capture: Capture, effects: dict[Var, np.ndarray], unrolled: bool = False
) -> dict[Var, Any]:
    """Run the equations of a trace again through the door; return the tensor of every variable.

    What has an effect is not done again: `effects` tells what it gave. With `unrolled`, loops that are differentiated run op by
    op, as often as it takes.
    """
    for var, array in trace.literals.items():
        env[var] = lift(array)
        capture.literal(env[var])
    for var, (holder, key) in trace.live.items():
        env[var] = capture.number(holder, key)

    def rule(equation: Equation, *xs: Any) -> Any:
        if unrolled and isinstance(equation.op, Taped):
            return equation.op.unrolled(rule, *xs)
        with Blaming(equation), telling(equation, effects) if equation.op.effect else NOTHING:
            return apply(equation.op, *xs)

    evaluate(trace.equations, env, rule)
    return env


def telling(equation: Equation, effects: dict[Var, np.ndarray]) -> modes.Setting:
    """Return a context in which an op with an effect is told what it gave."""
    told = lambda op, xs: effects[equation.outputs[0]] if op.width is None else tuple(map(effects.get, equation.outputs))
    return modes.Setting((modes.rehearsal, told))


class Compiled(Op):
    """ys = forward(xs) natively; the backward pass is a program too, or, if it is to be differentiated again, a replay."""

    by_arrays = False

    joint: Any
    ahead: Program
    back: Program
    saved: dict[int, tuple[list[np.ndarray], dict[int, AbstractTensor]]]
    """What runs have saved for nodes that are about to be made, and inputs before they were written, by their first output."""
    no_batch = "never met: compiled functions run op by op where somebody listens"
    no_lowering = "never met: a compiled function within another runs op by op"
    host_only = "a native program"

    def __init__(self, joint: Joint, ahead: Program, back: Program):
        super().__init__(joint, ahead, back, {})
        self.__dict__["width"] = len(joint.outputs) if len(joint.outputs) > 1 else None

    def run(self, xs):
        before = {n: copied(xs[n]) for n in self.joint.overwritten} if modes.grad_enabled.get() else {}
        results = self.ahead.launch(xs[: len(self.joint.trace.inputs)])
        if results is REFUSED:
            raise Unmet
        count = len(self.joint.outputs)
        arrays = [y.value for y in results]
        if modes.grad_enabled.get():
            self.saved[id(arrays[0])] = arrays[count:], before
        return tuple(arrays[:count]) if count > 1 else arrays[0]

    def eager(self, xp, *xs):
        raise NotImplementedError

    def vjp(self, needs, g, y, *xs):
        raise NotImplementedError

    def remember(self, node: Node, xs: tuple[AbstractTensor, ...], value: Any) -> None:
        node.edges = tuple([x.node for x in xs])
        node.indices = tuple([x.index for x in xs])
        saved, before = self.saved.pop(id(value[0] if isinstance(value, tuple) else value))
        kept = (tuple([before.get(n, x) for n, x in enumerate(xs)]) if before else xs, saved)
        node.kept = kept if saved or self.joint.read_again or before else list(kept)
        node.y = None

    def pull(self, node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            raise released(node)
        xs, saved = node.kept
        again = modes.grad_enabled.get()
        for place in range(len(xs)) if again else self.joint.read_again:
            x = xs[place]
            if x.memory is not None and x.memory.written > node.id:
                raise changed(node, x.memory, f"input {place} of shape {list(x.value.shape)}")
        shapes = [y for y, yes in zip(self.joint.outputs, self.joint.differentiable) if yes]
        given = [g] if len(self.joint.outputs) == 1 else [each for each, yes in zip(g, self.joint.differentiable) if yes]
        gs = [lift(np.zeros_like(y.value)) if each is None else each for each, y in zip(given, shapes)]
        if again:
            return self.again(xs, saved, gs, edges)
        try:
            grads = self.back.launch([*xs, *saved, *map(contiguous, gs)])
        except Unmet:
            return self.again(xs, saved, gs, edges, False)
        if grads is REFUSED:
            raise RuntimeError("compile: an input was given another layout between forward and backward")
        made = iter(grads)
        result = []
        wanted = iter(self.joint.grads)
        for needed in self.joint.wanted:
            var = next(wanted) if needed else None
            result.append(next(made) if var is not None else None)
        return tuple(result)

    def again(self, xs: tuple, saved: list, gs: list, edges: tuple, history: bool = True) -> tuple:
        """Return the cotangents computed by eager code, with a history of their own."""
        trace = self.joint.trace
        # inputs may be the same tensor, or one be computed from another: each is looked at through a node of its own
        with modes.Setting((modes.grad_enabled, True)):
            heads = [x if x.node is None else apply(View(x.value.shape), x) for x in xs]
        effects = {var: saved[place] for var, place in self.joint.effects.items()}
        env = replay(trace, dict(zip(self.joint.sources, heads)), Capture(), effects, True)
        ys = [env[var] for var, yes in zip(trace.outputs, self.joint.differentiable) if yes]
        targets = [x for x, edge in zip(heads, edges) if edge is not None]
        found = iter(gradients(ys, targets, gs, create_graph=history, allow_unused=True))
        return tuple(None if edge is None else next(found) for edge in edges)


def copied(x: AbstractTensor) -> AbstractTensor:
    """Return a tensor with the numbers that `x` has now, that lie as they do in `x`, and its history."""
    array = x.value
    first, end = byte_bounds(array)
    y = object.__new__(type(x))
    y.value = np.ndarray(array.shape, array.dtype, np.empty(end - first, np.uint8), array.ctypes.data - first, array.strides)
    np.copyto(y.value, array)
    y.node, y.index, y.memory, y.origin = x.node, x.index, None, None
    return y


def contiguous(g: AbstractTensor) -> AbstractTensor:
    """Return a cotangent in dense memory, without its history."""
    return g if type(g) is type(lift(g.value)) and g.value.flags.c_contiguous else lift(np.ascontiguousarray(g.value))


class DifferentiableProgram:
    """What runs instead of a function whose result has a history."""

    hot = False

    def __init__(self, trace: Trace, codes: Codes | None = None):
        self.trace = trace = rewritten(trace)
        self.missed = 0
        """How often its expectations were in vain."""
        self.joint = Joint(trace)
        self.ahead = Program(self.joint.forward(), codes)
        self.back = Program(self.joint.backward(), codes)
        self.waiting = self.ahead.waiting or self.back.waiting
        self.op = Compiled(self.joint, self.ahead, self.back)
        self.captured = list(trace.captured.values())
        self.mode = modes.Setting((modes.grad_enabled, True)) if not modes.grad_enabled.get() else nullcontext()
        """The function turns history on itself, if it is off where it is called."""
        self.call = calling(self.ahead.fits, self.launch)

    def host_steps(self) -> list[str]:
        """Return the names of the ops that the host computes, ahead and back."""
        return [*self.ahead.host_steps(), *self.back.host_steps()]

    def launch(self, tensors: Sequence[Any]) -> Any:
        """Run on tensors that are known to fit; return the function's result."""
        with self.mode:
            made = apply(self.op, *tensors, *present(self.captured, self.trace.lent))
        ys = made if isinstance(made, tuple) else (made,)
        for y, yes in zip(ys, self.joint.differentiable):
            if not yes:
                y.node = y.index = None
        return self.trace.result.assembled(ys, tensors)

    def __call__(self, tensors: Sequence[AbstractTensor]) -> Any:
        """Run on arguments that are known to fit."""
        return self.launch(tensors)

    def lighten(self) -> None:
        """Let go of the arrays that only the making of the programs read."""
        self.joint.lighten()
        self.ahead.lighten()
        self.back.lighten()

    def explain(self, memory: bool = False) -> str:
        """Return what the two programs do."""
        return f"{self.ahead.explain(memory)}\nbackward of {self.back.explain(memory)}"

    def llvm(self) -> str:
        """Return the LLVM code of both."""
        return self.ahead.llvm() + self.back.llvm()

    def asm(self) -> str:
        """Return the processor's code of both as text."""
        return self.ahead.asm() + self.back.asm()
