"""The examples in PyTorch's docstrings, found when the tests run, and what they print in either library."""

import builtins
import contextlib
import doctest
import importlib
import inspect
import io
import re
import warnings

from checks import time_limit
from reference import subject, torch

SECONDS = 300
SEEDS = (1, 2, 3, 4, 5)
PARSER = doctest.DocTestParser()
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)j?(?![\w])")
NO_SIGN = re.compile(r"-(0\.0*j)")
PLACES = (
    *("", "nn", "nn.functional", "nn.utils", "nn.init", "special", "fft", "signal.windows", "linalg", "distributions"),
    *("optim", "optim.lr_scheduler", "optim.swa_utils", "amp", "utils", "utils.data", "utils.checkpoint", "utils.dlpack"),
    *("autograd", "autograd.graph", "autograd.forward_ad", "autograd.functional", "autograd.profiler", "overrides", "func"),
)


EXCLUDED = {
    "conj": "conjugates are computed at once",
    "resolve_conj": "conjugates are computed at once",
    "resolve_neg": "negatives are computed at once",
    "autograd.graph.saved_tensors_hooks": "which of two kept tensors is packed first is left open",
    "overrides.get_testing_overrides": "signatures of these are not kept",
    "any": "random numbers decide, and rarely differently",
    "is_storage": "storages with a dtype are made by `lineal run`'s torch alone",
    "Tensor.to_sparse": "there are no sparse tensors in blocks",
    "narrow_copy": "there are no sparse tensors",
    "set_default_device": "there is no such device",
    "set_flush_denormal": "whether numbers below the normal ones are kept is the processor's and NumPy's",
    "nn.utils.skip_init": "prints memory that nobody has written",
    "Tensor.new_empty": "prints memory that nobody has written",
    "Tensor.new_empty_strided": "prints memory that nobody has written",
    "sort": "which of equal elements comes first is left open",
    "linalg.lstsq": "ranks are given for each right-hand side too",
    "set_default_dtype": "NumPy has no half-precision complex type",
    "nn.CrossEntropyLoss": "sets the seed and prints random numbers",
    "nn.LinearCrossEntropyLoss": "sets the seed and prints random numbers",
}
OBJECT = re.compile(r"<.* at 0x[0-9a-f]+>|<built-in ")


def documented():
    """Yield (name, docstring) for every public function, class and tensor method of PyTorch that lineal has, once each."""
    seen = set()
    for place in (*PLACES, "Tensor"):
        home, ours = torch, subject
        for part in filter(None, place.split(".")):
            home, ours = getattr(home, part), getattr(ours, part, None)
        for name in sorted(dir(home)):
            thing = None if name.startswith("_") or not hasattr(ours, name) else getattr(home, name)
            text = inspect.getdoc(thing) if callable(thing) and not isinstance(thing, torch.dtype) else None
            if text and ">>>" in text and text not in seen:
                seen.add(text)
                yield ".".join(filter(None, (place, name))), text


def statements(text):
    """Return the statements of a docstring's examples; those that Python cannot read are left out."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        try:
            found += [example.source for example in PARSER.get_examples(inspect.cleandoc("\n" + block))]
        except ValueError:
            found += [line.split(">>>", 1)[1].strip() + "\n" for line in block.splitlines() if line.lstrip().startswith(">>>")]
    return found


def redirecting(library):
    """Return `__import__`, by which examples that import torch get the library."""

    def bring(name, *args):
        head, _, rest = name.partition(".")
        return importlib.__import__(f"{library.__name__}.{rest}".rstrip(".") if head == "torch" else name, *args)

    return bring


class Session:
    """The names that the examples of one docstring make, in one library."""

    def __init__(self, library, number):
        library.manual_seed(number)
        self.names = {
            "__builtins__": {**vars(builtins), "__import__": redirecting(library)},
            "__name__": "examples",
            **{name: getattr(library.distributions, name) for name in library.distributions.__all__},
            "D": library.distributions,
            "torch": library,
            "nn": library.nn,
            "F": library.nn.functional,
            "functional": library.nn.functional,
            "Tensor": library.Tensor,
            "math": importlib.import_module("math"),
        }

    def say(self, source):
        """Run one statement; return what it prints, or its error."""
        told = io.StringIO()
        with contextlib.redirect_stdout(told), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(source, "example", "single"), self.names)
            except Exception as error:
                return error
        return told.getvalue()


def alike(ours, theirs):
    """Say whether two texts are the same, but for spaces, the last digits of numbers and the sign of an imaginary zero."""
    ours, theirs = (" ".join(NO_SIGN.sub(r"+\1", text.replace("lineal", "torch")).split()) for text in (ours, theirs))
    if ours == theirs:
        return True
    if NUMBER.sub("#", ours).replace(" ", "") != NUMBER.sub("#", theirs).replace(" ", ""):
        return False
    pairs = [[complex(each.replace("+", "")) for each in pair] for pair in zip(NUMBER.findall(ours), NUMBER.findall(theirs))]
    return all(a == b or (a != a and b != b) or abs(a - b) <= 1.01e-4 * max(1, abs(b)) for a, b in pairs)


@contextlib.contextmanager
def settings_kept():
    """Undo in both libraries what examples of settings have set."""
    try:
        yield
    finally:
        for library in (torch, subject):
            library.set_default_device("cpu")
            library.set_default_dtype(library.float32)
            library.set_grad_enabled(True)
            library.use_deterministic_algorithms(False)
            library.set_printoptions(profile="default")
        torch.set_default_device(None)


def differences(text):
    """Return (differences, statements compared) of a docstring: what PyTorch prints with any seed, lineal has to print."""
    wrong, tried = [], 0
    with time_limit(SECONDS), settings_kept():
        told = [runs(Session(torch, seed), text) for seed in SEEDS]
        for source, found, *expected in zip(statements(text), runs(Session(subject, SEEDS[0]), text), *told):
            if any(isinstance(each, Exception) for each in expected):
                continue
            tried += 1
            if isinstance(found, Exception):
                return [*wrong, f"{source.strip()}: {type(found).__name__}: {found}"], tried
            fixed = all(alike(each, expected[0]) for each in expected) and not OBJECT.search(expected[0])
            if fixed and not alike(found, expected[0]):
                wrong.append(f"{source.strip()}: expected\n{expected[0]}got\n{found}")
    return wrong, tried


def runs(session, text):
    """Return what the statements of a docstring print, one after the other."""
    with settings_kept():
        return [session.say(source) for source in statements(text)]
