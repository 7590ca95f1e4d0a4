"""What a call may look like beside the plain one: NumPy's names, older orders of arguments, 0-d tensors; and wrong types."""

from __future__ import annotations

import inspect
import warnings

import pytest

import lineal
from lineal.nn import functional

M = lineal.tensor([[4.0, 1.0, 2.0], [1.0, 5.0, 3.0], [2.0, 3.0, 6.0]])
ROWS, PLACES = lineal.tensor([0, 1]), lineal.zeros(1, 3, dtype=lineal.int64)

# name: the positional arguments and those by name; `axis` (or `keepdims`) must do what PyTorch's name for it does
BY_AXIS = {
    "amax": ((M,), {"axis": 1, "keepdims": True}),
    "argmax": ((M,), {"axis": 1, "keepdims": True}),
    "cat": (([M, M],), {"axis": 1}),
    "chunk": ((M,), {"chunks": 2, "axis": 1}),
    "concat": (([M, M],), {"axis": 1}),
    "concatenate": (([M, M],), {"axis": 1}),
    "cumsum": ((M,), {"axis": 1}),
    "diff": ((M,), {"axis": 0}),
    "gather": ((M,), {"axis": 1, "index": PLACES}),
    "index_add": ((M,), {"axis": 0, "index": ROWS, "source": M[:2]}),
    "index_copy": ((M,), {"axis": 0, "index": ROWS, "source": M[1:]}),
    "index_fill": ((M,), {"axis": 1, "index": ROWS, "value": 3.0}),
    "index_select": ((M,), {"axis": 1, "index": ROWS}),
    "linalg.cross": ((M, M.T), {"axis": 0}),
    "linalg.matrix_norm": ((M,), {"keepdims": True}),
    "linalg.norm": ((M,), {"axis": 1, "keepdims": True}),
    "linalg.vecdot": ((M, M.T), {"axis": 0}),
    "linalg.vector_norm": ((M,), {"axis": 1, "keepdims": True}),
    "logsumexp": ((M,), {"axis": 0, "keepdims": True}),
    "mean": ((M,), {"axis": 1, "keepdims": True}),
    "narrow": ((M,), {"axis": 1, "start": 0, "length": 2}),
    "renorm": ((M,), {"p": 2, "axis": 0, "maxnorm": 1.0}),
    "scatter": ((M,), {"axis": 0, "index": PLACES, "value": 2.0}),
    "scatter_add": ((M,), {"axis": 0, "index": PLACES, "src": M[:1]}),
    "select": ((M,), {"axis": 1, "index": 2}),
    "split_with_sizes": ((M,), {"split_sizes": [1, 2], "axis": 1}),
    "squeeze": ((M[:, None],), {"axis": 1}),
    "stack": (([M, M],), {"axis": 1}),
    "take_along_dim": ((M, PLACES), {"axis": 0}),
    "tensor_split": ((M, 3), {"axis": 1}),
    "topk": ((M, 2), {"axis": 0}),
    "unbind": ((M,), {"axis": 1}),
    "unbind_copy": ((M,), {"axis": 1}),
    "unflatten": ((M,), {"axis": 0, "sizes": (3, 1)}),
    "unsqueeze": ((M,), {"axis": 1}),
}
PYTORCHS = {"axis": "dim", "keepdims": "keepdim"}


def named(name):
    """Return a function of lineal by its dotted name."""
    found = lineal
    for part in name.split("."):
        found = getattr(found, part)
    return found


def same(found, wanted):
    """Return whether two results, tensors or tuples of them, are equal."""
    if isinstance(wanted, tuple):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return lineal.equal(found, wanted)


@pytest.mark.parametrize("name", BY_AXIS)
def test_numpys_names_mean_what_pytorchs_do(name):
    args, options = BY_AXIS[name]
    function, plain = named(name), {PYTORCHS.get(each, each): given for each, given in options.items()}
    wanted = function(*args, **plain)
    assert same(function(*args, **options), wanted)
    method = getattr(args[0], name, None) if isinstance(args[0], lineal.Tensor) and "." not in name else None
    if method is not None:
        assert same(method(*args[1:], **options), wanted)


@pytest.mark.parametrize("name", ["sum", "diagonal", "cumsum", "unbind"])
@pytest.mark.parametrize("word", ["x", "a", "x1"])
def test_the_input_has_numpys_names_too(name, word):
    if name == "cumsum":
        assert same(lineal.cumsum(**{word: M, "axis": 1}), lineal.cumsum(M, 1))
        return
    assert same(named(name)(**{word: M}), named(name)(M))


def test_an_argument_given_by_both_names_is_refused():
    with pytest.raises(TypeError):
        lineal.sum(M, dim=0, axis=0)
    with pytest.raises(TypeError):
        lineal.stack([M, M], 0, axis=0)


V, B = lineal.ones(3), lineal.ones(2, 3, 3)
OLDER = {
    "add": ((V, 2, V), (V, V), {"alpha": 2}),
    "sub": ((V, 2, V), (V, V), {"alpha": 2}),
    "addcmul": ((V, 2, V, V), (V, V, V), {"value": 2}),
    "addcdiv": ((V, 2, V, V), (V, V, V), {"value": 2}),
    "addmm": ((2, M, 3, M, M), (M, M, M), {"beta": 2, "alpha": 3}),
    "addmv": ((2, V, M, V), (V, M, V), {"beta": 2}),
    "addr": ((2, M, 3, V, V), (M, V, V), {"beta": 2, "alpha": 3}),
    "addbmm": ((2, M, B, B), (M, B, B), {"beta": 2}),
    "baddbmm": ((2, B, 3, B, B), (B, B, B), {"beta": 2, "alpha": 3}),
}


@pytest.mark.parametrize("name", OLDER)
def test_numbers_may_stand_before_the_tensors_they_scale(name):
    older, newer, options = OLDER[name]
    wanted = named(name)(*newer, **options)
    tensor = next(each for each in older if isinstance(each, lineal.Tensor))
    place = next(place for place, each in enumerate(older) if each is tensor)
    rest = older[:place] + older[place + 1 :]
    for call in (lambda: named(name)(*older), lambda: getattr(tensor, name)(*rest)):
        with pytest.warns(UserWarning, match="deprecated"):
            assert lineal.equal(call(), wanted)
    with pytest.warns(UserWarning, match="deprecated"):
        assert lineal.equal(getattr(tensor.clone(), f"{name}_")(*rest), wanted)
    with pytest.raises(TypeError):
        named(name)(*newer, 3)


def two(kind):
    return lineal.tensor(2, dtype=kind)


@pytest.mark.parametrize("kind", [lineal.float32, lineal.int64])
def test_a_tensor_of_no_dimensions_is_a_number(kind):
    n = two(kind)
    assert lineal.equal(lineal.add(V, V, alpha=n), V * 3)
    assert lineal.equal(V.sub(V, alpha=n), -V)
    assert lineal.equal(V.clone().add_(V, alpha=n), V * 3)
    assert lineal.equal(lineal.addcmul(V, V, V, value=n), V * 3)
    assert lineal.equal(lineal.addcdiv(V, V, V, value=n), V * 3)
    whole = lineal.ones(2, 2, dtype=lineal.int64)
    y = lineal.addmm(whole, whole, whole, beta=n, alpha=n)
    assert y.dtype is lineal.int64 and y.tolist() == [[6, 6], [6, 6]]
    with pytest.raises(TypeError, match="alpha"):
        lineal.add(V, V, alpha=n.reshape(1))


WRONG = {"None": None, "a number": 1.5, "a word": "a", "a list": ["a"], "an object": object()}
# functions that take anything, or numbers and lists in a tensor's place, or nothing like a tensor first
FREE = set(
    """as_tensor asarray tensor is_tensor from_numpy from_dlpack frombuffer typename is_storage compile explain save load vmap
    set_default_dtype set_default_device set_blas set_num_threads set_num_interop_threads set_printoptions set_rng_state
    set_recurrent_layers set_eager_calls manual_seed set_flush_denormal set_default_tensor_type use_deterministic_algorithms
    set_float32_matmul_precision result_type scalar_tensor""".split()
)


def public_functions():
    """Yield the name and function of everything that takes arguments, at top level, in linalg and in nn.functional."""
    for space, prefix in ((lineal, ""), (lineal.linalg, "linalg."), (functional, "nn.functional.")):
        for name in sorted(getattr(space, "__all__", None) or dir(space)):
            each = getattr(space, name)
            if not name.startswith("_") and name not in FREE and inspect.isroutine(each):
                yield prefix + name, each


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_is_no_tensor_is_refused_in_words(name):
    """No function speaks of its insides (`'NoneType' object has no attribute 'value'`) to whom gave it something else."""
    forms = [(0,), (0, M), (M, 0), (0, M, M), (M, 0, M), (M, M, 0), (M, 1, 0), (0, 1, M), (M, 0, 0, M), (M, 0, ROWS, 1)]
    with lineal.inference_mode():
        pass  # from now on tensors are asked whether they were made here
    for given in WRONG.values():
        for form in forms:
            if 0 not in [each for each in form if isinstance(each, int)]:
                continue
            args = [given if isinstance(each, int) and each == 0 else each for each in form]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    FUNCTIONS[name](*args)
                except AttributeError as error:
                    raise AssertionError(f"{name}{tuple(map(type, args))}: {error}") from error
                except Exception:
                    continue


TENSORS_FIRST = """squeeze unsqueeze transpose permute t reshape flatten clone narrow select unbind chunk split diagonal tril
    triu movedim roll flip kron cross cdist outer bincount histc quantile searchsorted numel is_complex zeros_like
    multinomial poisson broadcast_to tile repeat_interleave linalg.norm linalg.solve nn.functional.cross_entropy
    nn.functional.layer_norm nn.functional.embedding relu_ exp_ detach""".split()


@pytest.mark.parametrize("name", TENSORS_FIRST)
@pytest.mark.parametrize("given", [None, 1.5], ids=["None", "number"])
def test_the_message_names_function_and_type(name, given):
    rest = {"transpose": (0, 1), "narrow": (0, 0, 1), "select": (0, 0), "movedim": (0, 1), "chunk": (2,), "split": (1,)}
    others = {"kron", "cross", "cdist", "outer", "searchsorted", "linalg.solve"}
    more = rest.get(name, (M,) if name in others or "functional" in name else ())
    more = more or {"unsqueeze": (0,), "permute": (0,), "reshape": (1,), "roll": (1,), "flip": (0,), "tile": (2,)}.get(name, ())
    more = more or {"quantile": (0.5,), "multinomial": (1,), "broadcast_to": ((2, 3),), "repeat_interleave": (2,)}.get(name, ())
    with pytest.raises(TypeError, match=type(given).__name__):
        named(name)(given, *more)
