"""One module in both libraries, from a sample of PyTorch's database and with one state, and what is compared of the two."""

import copy
import io
import warnings

from checks import compare_grads, cotangent
from compare import MismatchError, compare, demand
from convert import copied, leaves, to_subject, translate
from reference import seed, subject, torch

# Their windows are drawn at random: only shapes and dtypes are the library's promise.
DRAWN = ("FractionalMaxPool2d", "FractionalMaxPool3d")
# PyTorch's derivative is right behind a log_softmax alone, which the samples leave out.
VALUE_ALONE = ("CTCLoss",)


def samples(info, dtype, training):
    """Return the samples of one module class, inputs as leaves that require grad."""
    seed()
    given = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training}
    return [sample for sample in info.module_inputs_func(info, **given) if sample.forward_input is not None]


def encoder_layer(theirs):
    """Return the counterpart of a layer that PyTorch's samples give to an encoder."""
    ours = subject.nn.TransformerEncoderLayer(
        theirs.linear1.in_features,
        theirs.self_attn.num_heads,
        theirs.linear1.out_features,
        theirs.dropout.p,
        counterpart(theirs.activation),
        batch_first=theirs.self_attn.batch_first,
        norm_first=theirs.norm_first,
        bias=theirs.linear1.bias is not None,
    )
    return ours.to(to_subject(theirs.linear1.weight.dtype))


def counterpart(leaf):
    """Return what an argument of PyTorch's is in the library under test: a layer, a function, or as `to_subject` has it."""
    if isinstance(leaf, torch.nn.TransformerEncoderLayer):
        return encoder_layer(leaf)
    if callable(leaf) and hasattr(torch.nn.functional, getattr(leaf, "__name__", "")):
        return getattr(subject.nn.functional, leaf.__name__)
    return to_subject(leaf)


class Pair:
    """A module of PyTorch's and ours, made with the same arguments."""

    def __init__(self, info, sample, dtype, training):
        self.name, self.lazy, self.dtype = info.module_cls.__name__, info.is_lazy, dtype
        made = sample.constructor_input
        self.arguments = made.args, made.kwargs
        self.inputs = sample.forward_input.args, sample.forward_input.kwargs
        args, kwargs = copied(self.arguments)
        self.theirs = info.module_cls(*args, **kwargs).to(dtype).train(training)
        self.ours = self.fresh(training)

    def fresh(self, training):
        args, kwargs = translate(self.arguments, counterpart)
        return getattr(subject.nn, self.name)(*args, **kwargs).to(to_subject(self.dtype)).train(training)

    def take_state(self):
        self.ours.load_state_dict(to_subject(dict(self.theirs.state_dict())))

    def ready(self):
        """Give both modules one state; lazy ones see their input first, and are compared as they stand before."""
        if self.lazy:
            self.compare_text()
            args, kwargs = self.inputs
            self.theirs(*copied(args), **copied(kwargs))
            self.ours(*to_subject(args), **to_subject(kwargs))
        self.compare_text()
        self.compare_names()
        self.take_state()

    def compare_text(self):
        demand(repr(self.ours) == repr(self.theirs), "repr", repr(self.ours), repr(self.theirs))

    def compare_names(self):
        for what in ("state_dict", "named_parameters", "named_buffers", "named_children", "named_modules"):
            ours, theirs = ([name for name, _ in list_of(module, what)] for module in (self.ours, self.theirs))
            demand(ours == theirs, what, ours, theirs)
        for (name, ours), theirs in zip(self.ours.state_dict().items(), self.theirs.state_dict().values()):
            found, expected = ((tuple(x.shape), str(x.dtype).rpartition(".")[2]) for x in (ours, theirs))
            demand(found == expected, f"{name}: shape and dtype", found, expected)

    def compare_forward(self):
        """Compare outputs, the gradients of inputs and parameters, and the buffers that a forward call leaves."""
        dtype = str(self.dtype).rpartition(".")[2]
        given = (self.theirs, copied(self.inputs), torch), (self.ours, to_subject(self.inputs), subject)
        theirs, ours = (called(*each) for each in given)
        compare(ours, theirs, dtype, arbitrary=self.name in DRAWN)
        compare(dict(self.ours.named_buffers()), dict(self.theirs.named_buffers()), dtype)
        if self.name in DRAWN or self.name in VALUE_ALONE:
            return
        roots = [(a, e, cotangent(e, place)) for place, (a, e) in enumerate(zip(leaves(ours), leaves(theirs))) if differs(e)]
        if not roots:
            return
        sources = [sources_of(module, inputs) for module, inputs, _ in given]
        back = [each[2] for each in roots]
        expected = torch.autograd.grad([each[1] for each in roots], sources[0], back, allow_unused=True)
        actual = subject.autograd.grad([each[0] for each in roots], sources[1], to_subject(back), allow_unused=True)
        compare_grads(actual, expected, sources[1], dtype)

    def compare_copies(self, training):
        """See that a deep copy, and a fresh module with the state saved and loaded, give what the module gives."""
        file = io.BytesIO()
        subject.save(self.ours.state_dict(), file)
        file.seek(0)
        loaded = self.fresh(training)
        loaded.load_state_dict(subject.load(file))
        twin = copy.deepcopy(self.ours)
        demand(repr(twin) == repr(self.ours), "deepcopy: repr", repr(twin), repr(self.ours))
        pairs = zip(self.ours.state_dict().values(), twin.state_dict().values())
        shared = sum(x.numel() > 0 and x.data_ptr() == y.data_ptr() for x, y in pairs)
        demand(not shared, "deepcopy: shared tensors", shared, 0)
        expected = None if self.name in DRAWN else called(self.ours, to_subject(self.inputs), subject)
        for what, module in (("deepcopy", twin), ("saved and loaded", loaded)):
            found = called(module, to_subject(self.inputs), subject)
            for a, e in zip(leaves(found), leaves(expected)):
                if isinstance(e, subject.Tensor) and not subject.equal(subject.nan_to_num(a), subject.nan_to_num(e)):
                    raise MismatchError(f"{what}: other numbers")


def list_of(module, what):
    found = getattr(module, what)()
    return list(found.items() if what == "state_dict" else found)


def called(module, inputs, library):
    """Return what a module gives; one that writes to its input is given copies of leaves, from which gradients still flow."""
    args, kwargs = inputs
    if getattr(module, "inplace", False):
        args = [x.clone() if isinstance(x, library.Tensor) else x for x in args]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module(*args, **kwargs)


def differs(y):
    return isinstance(y, torch.Tensor) and y.requires_grad


def sources_of(module, inputs):
    """Return the different tensors that gradients are asked for: inputs, then parameters."""
    found = [x for x in (*leaves(inputs), *module.parameters()) if getattr(x, "requires_grad", False)]
    return list({id(x): x for x in found}.values())
