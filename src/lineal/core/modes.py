"""What holds while code runs: gradient mode, anomaly mode, and who listens at the door.

Every mode is a context variable: threads and asyncio tasks have their own, and reading one costs less than an attribute.
"""

from __future__ import annotations

import functools
import inspect
from _thread import allocate_lock  # threading.Lock without threading, a millisecond of import
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, overload

import numpy as np

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]

if TYPE_CHECKING:
    from lineal.core.op import AbstractTensor, Op


class Structure:
    """Counts the changes of what programs may rely on besides tensors: modules' attributes, optimizers' state."""

    changes = 0


class Recorder(Protocol):
    """Who listens at the door hears every op that really ran, every write in place, and every look at a number."""

    thorough: bool = False
    """Whether everything that eager code would warn of is of interest, whatever it costs to look."""
    takes_loops: bool = False
    """Whether a loop that is known to have equal turns may be told as one op: `compiler.scan`."""
    takes_layers: bool = False
    """Whether a recurrent layer may be told as one op, which has no derivative."""
    takes_draws: bool = True
    """Whether an op may draw random numbers for itself, in one with what it computes of them."""

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Called when `op` made `ys` of `xs`."""

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Called when `target` took the numbers of `source` in place."""

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Called when Python is about to read `tensor` as a value of type `kind`."""

    def decides(self, tensor: AbstractTensor) -> None:
        """Called when the truth value of `tensor`, which has one element, decides what is done: `cond`, the end of a loop."""
        self.concretize(tensor, bool)

    def turns(self, loop: tuple[Callable, Callable], carried: list[AbstractTensor] | None) -> None:
        """Called when a loop, of two functions, looks whether there is another turn for what it carries; None: it ended."""

    def goes_back(self) -> None:
        """Called when a backward pass through what was done begins."""

    def foreign(self, what: str) -> None:
        """Called when numbers come in on a way that a recorder cannot follow: from an array of NumPy's."""

    def searches(self, why: str) -> None:
        """Called when what follows reads numbers time and again to decide what is done: a program would be of one search."""

    def opaque(self, what: str) -> None:
        """Called when the backward pass through what is recorded will run Python code of the user's."""

    def watched(self, what: str) -> None:
        """Called when code of the user's sees, and may change, the cotangents of what is recorded as they come by."""
        self.opaque(what)

    def number(self, holder: Any, key: Any) -> Any:
        """Called when `holder[key]`, which may be another number next time, is read; return what to compute with."""
        return holder[key]

    def assume(self, holder: Any, names: Iterable[str]) -> None:
        """Called when what follows depends on the numbers and switches in the mapping `holder` of these names."""

    def saw(self, module: Any) -> None:
        """Called when `module`, whose `training` and parameters decide what it does, is called."""

    def relies(self, holder: Any, name: str) -> None:
        """Called when what follows depends on the object that is the attribute `name` of `holder`."""

    def heeds(self, setting: ContextVar) -> bool:
        """Called when what follows depends on a setting; return whether what only warnings depend on is of interest."""
        return False

    def clips(self, piece: slice, size: int) -> None:
        """Called when a slice reaches beyond an axis of this size, and would not do so of a longer one."""

    def looks(self, view: AbstractTensor, copy: AbstractTensor, base: AbstractTensor) -> None:
        """Called when `view`, which has the numbers of `copy`, looks into `base`, at a place that depends on numbers."""

    def reads_grad(self, leaf: AbstractTensor) -> None:
        """Called when the grad of `leaf` is about to be read."""

    def sets_grad(self, leaf: AbstractTensor) -> None:
        """Called when `leaf` is about to be given another grad, or None."""


class Unhearing(Recorder):
    """Listens and hears nothing: while somebody listens, compiled functions run eagerly, op by op."""


grad_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)
inference: ContextVar[bool] = ContextVar("inference", default=False)
anomaly: ContextVar[bool] = ContextVar("anomaly", default=False)
nan_checked: ContextVar[bool] = ContextVar("nan_checked", default=True)
"""Whether anomaly mode looks for NaN."""
recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)
guard: ContextVar[Callable[[AbstractTensor, str], None] | None] = ContextVar("guard", default=None)
"""What refuses writes to some tensors: it is called with the tensor and the op's name before a write."""


thread_generator: ContextVar[Any] = ContextVar("thread_generator", default=None)
"""What stands for the process's generator in a data loader's worker thread, or while a call is written down."""


overheard: ContextVar[Any] = ContextVar("overheard", default=None)
"""What writes down the ops of code that nobody listens to (`core/recalling.py`)."""


autocast: ContextVar[Any] = ContextVar("autocast", default=None)
"""The dtype in which autocast has products computed; None where it is off."""


rehearsal: ContextVar[Callable[[Any, tuple], Any] | None] = ContextVar("rehearsal", default=None)
"""What an op with an effect gives, from the op and its inputs, where a function is run again only to find out what it does."""


F = TypeVar("F", bound=Callable[..., Any])


class Setting:
    """A context manager and decorator that gives context variables other values while its block runs."""

    def __init__(self, *values: tuple[ContextVar, Any]):
        self.values = values
        self.before: list[list[tuple[ContextVar, Any]]] = []

    def __enter__(self) -> None:
        self.before.append([(variable, variable.get()) for variable, _ in self.values])
        for variable, value in self.values:
            variable.set(value)

    def __exit__(self, *exception: object) -> None:
        for variable, value in self.before.pop():
            variable.set(value)

    def again(self) -> Setting:
        """Return another context manager that does the same."""
        return Setting(*self.values)

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                return function(*args, **kwargs)

        kept: Any = resumed(function, self.again) if inspect.isgeneratorfunction(function) else within
        return kept


def resumed(function: Callable, setting: Callable[[], Setting]) -> Callable:
    """Return a generator function in whose body, and not where it is suspended, a setting holds."""

    @functools.wraps(function)
    def within(*args: Any, **kwargs: Any) -> Any:
        body = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, body)
        while True:
            try:
                with setting():
                    given = resume()
            except StopIteration as stop:
                return stop.value
            try:
                resume = functools.partial(body.send, (yield given))
            except GeneratorExit:
                with setting():
                    body.close()
                raise
            except BaseException as error:
                resume = functools.partial(body.throw, error)

    return within


class no_grad(Setting):  # noqa: N801
    """Within the block (or decorated function), ops remember no history. Works bare too: `@no_grad`."""

    @overload
    def __new__(cls, function: None = None) -> Self: ...
    @overload
    def __new__(cls, function: F) -> F: ...
    def __new__(cls, function: Callable | None = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()
        return made(function)

    def __init__(self, function: Callable | None = None):
        super().__init__((grad_enabled, False))


class enable_grad(no_grad):  # noqa: N801
    """Within the block, ops remember their history, also inside `no_grad`."""

    def __init__(self, function: Callable | None = None):
        Setting.__init__(self, (grad_enabled, True))


class set_grad_enabled(Setting):  # noqa: N801
    """Turn history on or off, as a call (from here on) or as a context manager (within the block)."""

    def __init__(self, mode: bool):
        super().__init__((grad_enabled, bool(mode)))
        self.mode = bool(mode)
        self.prev = grad_enabled.get()
        grad_enabled.set(self.mode)

    def __enter__(self) -> None:
        self.before.append([(grad_enabled, self.prev)])
        grad_enabled.set(self.mode)

    def __call__(self, function: F) -> F:
        grad_enabled.set(self.prev)
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class inference_mode(no_grad):  # noqa: N801
    """Like `no_grad`, and tensors made inside may be written only inside, and not be leaves later."""

    @overload
    def __new__(cls, mode: bool = True) -> Self: ...
    @overload
    def __new__(cls, mode: F) -> F: ...
    def __new__(cls, mode: bool | Callable = True) -> Any:
        return super().__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode: bool | Callable = True):
        self.mode = bool(mode)
        Setting.__init__(self, (inference, self.mode), *([(grad_enabled, False)] if self.mode else []))

    def again(self) -> Setting:
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        super().__enter__()
        Inference.change(self.mode)

    def __exit__(self, *exception: object) -> None:
        Inference.change(-self.mode)
        super().__exit__(*exception)


class Inference:
    """How many inference modes hold in all threads, and whether one ever did."""

    count = 0
    used = False
    lock = allocate_lock()

    @classmethod
    def change(cls, by: int) -> None:
        """Count; while one holds, tensors are made by `marked`."""
        global blank
        with cls.lock:
            cls.count += by
            cls.used = cls.used or by > 0
            blank = marked if cls.count else object.__new__


def marked(cls: type) -> Any:
    """Return a new tensor that knows whether it was made in inference mode."""
    made = object.__new__(cls)
    if inference.get():
        made.inference = True
    return made


blank: Callable[[type], Any] = object.__new__
"""What the doors make tensors with."""


class detect_anomaly(Setting):  # noqa: N801
    """Within the block, a backward pass that fails or (unless `check_nan` is off) makes a NaN names the line it was undoing."""

    def __init__(self, check_nan: bool = True):
        super().__init__((anomaly, True), (nan_checked, bool(check_nan)))


class set_detect_anomaly(Setting):  # noqa: N801
    """Turn anomaly mode on or off, as a call (from here on) or as a context manager (within the block)."""

    def __init__(self, mode: bool, check_nan: bool = True):
        super().__init__((anomaly, bool(mode)), (nan_checked, bool(check_nan)))
        self.outer = [(variable, variable.get()) for variable, _ in self.values]
        for variable, value in self.values:
            variable.set(value)

    def __enter__(self) -> None:
        self.before.append(self.outer)
        for variable, value in self.values:
            variable.set(value)


def is_grad_enabled() -> bool:
    """Return whether ops remember their history now."""
    return grad_enabled.get()


def is_anomaly_enabled() -> bool:
    """Return whether anomaly mode is on."""
    return anomaly.get()


def is_anomaly_check_nan_enabled() -> bool:
    """Return whether anomaly mode looks for NaN."""
    return nan_checked.get()


def is_inference_mode_enabled() -> bool:
    """Return whether `inference_mode` holds now."""
    return inference.get()


# NumPy reports overflow, division by zero and invalid operands as warnings; PyTorch, and so lineal, returns inf and nan
# silently. `np.errstate` costs a microsecond per use, so the door sets NumPy's own context variable. Both names are private to
# NumPy; where a NumPy lacks them, `quiet` keeps the public, slower way.
_umath = np._core.umath  # type: ignore[attr-defined]
error_state: ContextVar = getattr(_umath, "_extobj_contextvar", ContextVar("numpy_error_state", default=None))
silent: Any = _umath._make_extobj(all="ignore") if hasattr(_umath, "_make_extobj") else None


def _silence_slowly(_: Any) -> np.errstate:
    state = np.errstate(all="ignore")
    state.__enter__()
    return state


def _restore_slowly(state: np.errstate) -> None:
    state.__exit__(None, None, None)


fast = silent is not None and hasattr(_umath, "_extobj_contextvar")
if not fast:
    silent = object()
silence: Callable[[Any], Any] = error_state.set if fast else _silence_slowly
restore: Callable[[Any], None] = error_state.reset if fast else _restore_slowly


def quiet() -> Setting | np.errstate:
    """Return a context in which NumPy is silent about inf and nan; ops inside it skip setting it themselves."""
    return Setting((error_state, silent)) if fast else np.errstate(all="ignore")
