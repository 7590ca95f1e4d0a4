"""The checks of one op at one dtype: its sample inputs in every form PyTorch offers, with gradients."""

import contextlib
import itertools
import signal
import traceback
import warnings
from dataclasses import dataclass

from calling import alias_forms, function_form, in_place_form, method_form
from compare import MismatchError, compare, same_picks
from convert import (
    UntranslatableError,
    copied,
    copy_leaf,
    copy_tensor,
    describe_call,
    from_subject,
    leaves,
    to_subject,
    translate,
)
from names import ARBITRARY, TIES, deviation
from reference import error_inputs, full_name, samples, subject, torch

SECONDS = 10
FEW = 6  # samples tried in the method and in-place forms
SECOND_ORDER = 8  # samples differentiated twice
SMALL = 300  # elements of an input still cheap to differentiate twice
KINDS = ("value", "grad", "grad2", "method", "inplace", "out", "alias", "error")


class SkipError(Exception):
    """PyTorch itself gives nothing to compare with."""


@dataclass(frozen=True)
class Finding:
    """What one check of one sample came to: status is ok, fail, skip or meant (a deviation)."""

    op: str
    dtype: str
    kind: str
    status: str
    call: str
    message: str = ""
    trace: str = ""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeoutError in the block after `seconds`, and give the alarm back to whoever had it."""

    def ring(number, frame):
        raise TimeoutError(f"took longer than {seconds} s")

    handler = signal.signal(signal.SIGALRM, ring)
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, remaining)


class Trial:
    """One sample in one form, run in both libraries on inputs of their own."""

    def __init__(self, op, dtype, sample, form, grad=True):
        self.op, self.dtype, self.form = op, dtype, form
        self.sample = (sample.input, tuple(sample.args), dict(sample.kwargs))
        self.grad = grad

    def describe(self):
        x, args, kwargs = self.sample
        return describe_call(self.form.name, (x, *args), kwargs)

    def run(self):
        with torch.set_grad_enabled(self.grad), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.theirs_in = copied(self.sample)
            try:
                self.theirs = call(self.form.theirs, self.theirs_in)
            except Exception as refusal:
                raise SkipError(f"PyTorch: {refusal}") from refusal
        with subject.set_grad_enabled(self.grad), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for leak in (RuntimeWarning, DeprecationWarning):
                warnings.simplefilter("error", leak)
            self.ours_in = to_subject(self.sample)
            self.ours = call(self.form.ours, self.ours_in)

    def check_value(self):
        self.run()
        try:
            compare(self.ours, self.theirs, self.dtype, arbitrary=self.op.name in ARBITRARY)
        except AssertionError:
            if not tied(self.op, self.theirs_in, self.ours, self.theirs) and not self.nearer():
                raise

    def nearer(self):
        """Say whether a bfloat16 result is nearer to PyTorch's of float64 than PyTorch's own, or as near as rounding is."""
        if self.dtype != "bfloat16":
            return False
        with torch.no_grad():
            wide = leaves(call(self.form.theirs, translate(self.sample, doubled)))
        for ours, theirs, exact in zip(leaves(self.ours), leaves(self.theirs), wide):
            own, other = (float((x.double() - exact).abs().max()) for x in (from_subject(ours), theirs.detach()))
            if not own <= max(other, 2**-8 * float(exact.abs().max())):
                return False
        return True

    def differentiable(self):
        return self.op.name not in ARBITRARY and any(requires_grad(leaf) for leaf in leaves(self.theirs_in))

    def check_grad(self):
        """Compare the gradients of every input that requires grad, for random cotangents."""
        outputs = leaves(self.theirs)
        flags = [requires_grad(y) for y in outputs]
        ours = [requires_grad(y) for y in leaves(self.ours)]
        if ours != flags:
            raise MismatchError(f"outputs' requires_grad: expected {flags}, got {ours}")
        if not any(flags):
            raise SkipError("no output requires grad")
        self.cotangents = [cotangent(y, place) for place, y in enumerate(outputs) if flags[place]]
        self.compare_grads(self.cotangents)

    def compare_grads(self, cotangents, keep=False):
        theirs_to, theirs_from = chosen(self.theirs), chosen(self.theirs_in)
        ours_to, ours_from = chosen(self.ours), chosen(self.ours_in)
        ours_back = to_subject(cotangents)
        settings = {"allow_unused": True, "create_graph": keep, "retain_graph": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = torch.autograd.grad(theirs_to, theirs_from, cotangents, **settings)
            except (RuntimeError, NotImplementedError) as refusal:
                raise SkipError(f"PyTorch: {refusal}") from refusal
            actual = subject.autograd.grad(ours_to, ours_from, ours_back, **settings)
        compare_grads(actual, expected, ours_from, self.dtype)
        return actual, expected, ours_from + ours_back, theirs_from + cotangents

    def check_grad2(self):
        """Differentiate the gradients again, by the inputs and by the cotangents."""
        cotangents = [c.clone().requires_grad_() for c in self.cotangents]
        actual, expected, ours_from, theirs_from = self.compare_grads(cotangents, keep=True)
        pairs = [(a, e) for a, e in zip(actual, expected) if e is not None and e.requires_grad]
        if not pairs:
            raise SkipError("the gradient is constant")
        for a, _ in pairs:
            if not requires_grad(a):
                raise MismatchError("second gradient: the first has lost its graph")
        second = [cotangent(e, 100 + place) for place, (_, e) in enumerate(pairs)]
        try:
            theirs = torch.autograd.grad([e for _, e in pairs], theirs_from, second, allow_unused=True)
        except (RuntimeError, NotImplementedError) as refusal:
            raise SkipError(f"PyTorch: {refusal}") from refusal
        ours = subject.autograd.grad([a for a, _ in pairs], ours_from, to_subject(second), allow_unused=True)
        compare_grads(ours, theirs, ours_from, self.dtype)


def doubled(leaf):
    """Return a bfloat16 tensor in float64, and anything else as it is."""
    return leaf.detach().double() if isinstance(leaf, torch.Tensor) and leaf.dtype is torch.bfloat16 else copy_leaf(leaf)


def tied(op, inputs, ours, theirs):
    """Say whether the only difference is which of equal elements an index result names."""
    x, args, kwargs = inputs
    if op.name not in TIES or not isinstance(x, torch.Tensor):
        return False
    place = TIES[op.name]
    dim = kwargs.get("dim", args[place] if len(args) > place else -1)
    if op.name != "argsort":
        compare(leaves(ours)[:-1], leaves(theirs)[:-1], str(x.dtype).rpartition(".")[2])
    return same_picks(ours, theirs, x, dim)


def call(function, inputs):
    x, args, kwargs = inputs
    return function(x, *args, **kwargs)


def requires_grad(leaf):
    return getattr(leaf, "requires_grad", False)


def chosen(tree):
    """Return the different tensors in a tree that require grad."""
    return list({id(leaf): leaf for leaf in leaves(tree) if requires_grad(leaf)}.values())


def cotangent(y, place):
    generator = torch.Generator().manual_seed(17 + place)
    return torch.randn(y.shape, dtype=y.dtype, generator=generator)


def compare_grads(actual, expected, inputs, dtype):
    """Compare gradients by place; None stands for zeros, in either library."""
    for place, (a, e) in enumerate(zip(actual, expected)):
        if a is None and (e is None or not e.any()):
            continue
        if e is None:
            e = torch.zeros(tuple(inputs[place].shape), dtype=getattr(torch, str(inputs[place].dtype).rpartition(".")[2]))
        try:
            compare(a, e, dtype, slack=20)
        except AssertionError as difference:
            raise MismatchError(f"gradient of input {place}: {difference}") from difference


def attempt(op, dtype, kind, text, check):
    """Run one check; whatever happens becomes a Finding."""
    name, trace = full_name(op), ""
    try:
        with time_limit(SECONDS):
            check()
        status, message = "ok", ""
    except (SkipError, UntranslatableError) as reason:
        status, message = "skip", str(reason)
    except Exception as failure:
        status = "fail"
        kept = "" if isinstance(failure, AssertionError) else f"{type(failure).__name__}: "
        message = kept + " ".join(str(failure).split())
        trace = traceback.format_exc()
        reason = deviation(name, dtype, kind, text)
        if reason:
            status, message = "meant", f"{reason} ({message})"
    return Finding(name, dtype, kind, status, text, message, trace)


def examine_sample(op, dtype, sample, rank):
    """Yield the findings of one sample in the function form: value, gradient, second gradient."""
    trial = Trial(op, dtype, sample, function_form(op, full_name(op)))
    text = trial.describe()
    value = attempt(op, dtype, "value", text, trial.check_value)
    yield value
    if value.status != "ok" or not trial.differentiable():
        return
    first = attempt(op, dtype, "grad", text, trial.check_grad)
    yield first
    small = sum(leaf.numel() for leaf in leaves(trial.theirs_in) if isinstance(leaf, torch.Tensor)) <= SMALL
    if first.status == "ok" and small and rank < SECOND_ORDER and dtype in ("float64", "complex128") and op.supports_gradgrad:
        yield attempt(op, dtype, "grad2", text, trial.check_grad2)


def examine_form(op, dtype, kind, form, drawn):
    for sample in drawn:
        trial = Trial(op, dtype, sample, form, grad=op.supports_inplace_autograd or kind != "inplace")

        def check(trial=trial):
            trial.check_value()
            if trial.grad and trial.differentiable():
                with contextlib.suppress(SkipError):
                    trial.check_grad()

        yield attempt(op, dtype, kind, trial.describe(), check)


def check_out(op, sample):
    """Call with out= tensors of the right shape and dtype: they are returned, filled."""
    form = function_form(op, full_name(op))
    plain = torch.utils._pytree.tree_map(
        lambda leaf: copy_tensor(leaf.detach()) if isinstance(leaf, torch.Tensor) else leaf,
        (sample.input, tuple(sample.args), dict(sample.kwargs)),
    )
    x, args, kwargs = plain
    try:
        expected = call(op.op, copied(plain))
        made = [torch.full_like(y, 1) for y in leaves(expected)]
        call(op.op, copied((x, args, {**kwargs, "out": made[0] if len(made) == 1 else tuple(made)})))
    except Exception as refusal:
        raise SkipError(f"PyTorch: {refusal}") from refusal
    ours = [to_subject(torch.full_like(y, 1)) for y in made]
    x, args, kwargs = to_subject(plain)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = form.ours(x, *args, **kwargs, out=ours[0] if len(ours) == 1 else tuple(ours))
    returned = leaves(result)
    if len(returned) != len(ours) or any(a is not b for a, b in zip(returned, ours)):
        raise MismatchError("out: the tensors given must be the ones returned")
    try:
        compare(result, expected, str(made[0].dtype).rpartition(".")[2], arbitrary=op.name in ARBITRARY)
    except AssertionError:
        if not tied(op, plain, result, expected):
            raise


def examine(op, dtype):
    """Yield a Finding for every check of an op's samples at one dtype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = samples(op, dtype)
    for rank, sample in enumerate(drawn):
        yield from examine_sample(op, dtype, sample, rank)
    narrow = [sample for sample in drawn if not sample.broadcasts_input]
    first = drawn[:: max(1, len(drawn) // FEW)][:FEW]
    forms = [("method", method_form(op), first), ("inplace", in_place_form(op), narrow[:FEW])]
    forms += [("alias", form, narrow[:2]) for form in alias_forms(op)]
    for kind, form, some in forms:
        if form is not None:
            yield from examine_form(op, dtype, kind, form, some)
    if op.supports_out and hasattr(torch, op.name):
        for sample in itertools.islice(drawn, 1):
            text = describe_call(f"{full_name(op)}[out]", (sample.input, *sample.args), sample.kwargs)
            yield attempt(op, dtype, "out", text, lambda sample=sample: check_out(op, sample))


def examine_errors(op):
    """Yield a Finding for every call that PyTorch refuses: the exception must be of the same family."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused = error_inputs(op)
    for case in refused:
        sample = case.sample_input
        inputs = (sample.input, tuple(sample.args), dict(sample.kwargs))
        text = describe_call(full_name(op), (inputs[0], *inputs[1]), inputs[2])
        yield attempt(op, "any", "error", text, lambda inputs=inputs, case=case: check_refusal(op, inputs, case))


def accepted(op, inputs):
    """Say whether PyTorch, against its own table, takes these inputs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(op.op, copied(inputs))
    except Exception:
        return False
    return True


def check_refusal(op, inputs, case):
    if op.name.startswith("__") and not isinstance(inputs[0], torch.Tensor):
        raise SkipError("a method of a number is Python's own")
    if accepted(op, inputs):
        raise SkipError("PyTorch takes it")
    ours = to_subject(inputs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(function_form(op, full_name(op)).ours, ours)
    except case.error_type:
        return
    except Exception as other:
        name = f"{type(other).__name__}: {other}"
        raise MismatchError(f"expected {case.error_type.__name__} ({case.error_regex}), got {name}") from other
    raise MismatchError(f"expected {case.error_type.__name__} ({case.error_regex}), got no error")
