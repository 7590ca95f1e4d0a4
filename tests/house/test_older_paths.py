"""Names that programs ask for beside their computation: memory, elements by Python, futures, nests, timers, devices."""

import threading

import pytest

import lineal
from lineal import futures, jit, nn
from lineal.utils import benchmark, dlpack, pytree, treepaths


def test_the_memory_of_a_tensor():
    x = lineal.arange(6.0).reshape(2, 3)
    view, other = x[1:], x.clone()
    memory = view.untyped_storage()
    assert memory == x.untyped_storage() != other.untyped_storage() and hash(memory) == hash(x.untyped_storage())
    assert (memory.nbytes(), len(memory), memory.data_ptr()) == (24, 24, x.data_ptr())
    typed = view.storage()
    assert typed.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] and typed[3] == 3.0 and typed.dtype is lineal.float32
    assert lineal.is_storage(typed) and lineal.is_storage(memory) and not lineal.is_storage(x)
    assert repr(typed).splitlines()[-1] == "[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 6]"
    assert lineal.zeros(0).untyped_storage().data_ptr() == 0


def test_elements_by_functions_of_python():
    x = lineal.tensor([[1, 2], [3, 4]])
    assert x.apply_(lambda each: each * 10) is x and x.tolist() == [[10, 20], [30, 40]]
    assert x.t().map_(lineal.tensor([1, 2]), lambda a, b: a + b).tolist() == [[11, 32], [21, 42]]
    assert lineal.zeros(0).apply_(abs).shape == (0,)
    with pytest.raises(RuntimeError, match=r"map_: expected a tensor that can be expanded to \[2, 2\]"):
        x.map_(lineal.ones(3, 2, 2), max)
    with pytest.raises(RuntimeError, match="apply_: cannot be called on a tensor that requires grad"):
        lineal.ones(2, requires_grad=True).apply_(abs)


def test_futures_are_set_once_and_tell_those_who_wait():
    first: futures.Future = futures.Future()
    doubled = first.then(lambda done: done.value() * 2)
    threading.Timer(0.01, first.set_result, (3,)).start()
    assert futures.wait_all([first, doubled]) == [3, 6] and first.done()
    with pytest.raises(RuntimeError, match="set already"):
        first.set_result(4)
    failed = jit.fork(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jit.wait(failed)


def test_types_with_parameters():
    assert jit.isinstance([1, 2], list[int]) and not jit.isinstance([1, "a"], list[int])
    assert jit.isinstance({"a": lineal.ones(1)}, dict[str, lineal.Tensor]) and jit.isinstance(None, int | None)
    assert jit.isinstance((1, "a"), tuple[int, str]) and not jit.isinstance((1,), tuple[int, str])


def test_modules_run_as_they_are_written():
    layer = nn.Linear(2, 1).eval()
    assert jit.script(layer) is jit.trace(layer, lineal.ones(3, 2)) is jit.freeze(layer) is layer
    with pytest.raises(RuntimeError):
        jit.trace(layer, lineal.ones(3, 5))
    with pytest.raises(lineal.UnsupportedError, match=r"jit\.save"):
        jit.save(layer, "file")
    assert not jit.is_scripting() and jit.ignore(len) is len and jit.ignore(drop=True)(len) is len


def test_nests_are_flattened_and_rebuilt():
    nest = {"a": [1, (2, None)], "b": lineal.Size([3, 4])}
    leaves, spec = pytree.tree_flatten(nest)
    assert leaves == [1, 2, None, 3, 4] and spec.num_leaves == 5 and pytree.tree_unflatten(leaves, spec) == nest
    assert repr(pytree.tree_structure([1])) == "TreeSpec(list, None, [*])"
    assert pytree.tree_map_only(int, lambda each: -each, [1, "a", (2,)]) == [-1, "a", (-2,)]
    assert pytree.tree_map(lambda a, b: a + b, {"x": 1}, {"x": 2}) == {"x": 3}
    largest = pytree.tree_map(lambda each: each + 1, lineal.ones(2, 2).max(dim=0))
    assert largest.values.tolist() == [2.0, 2.0] and largest.indices.tolist() == [1, 1]
    pytree.register_pytree_node(slice, lambda x: ([x.start, x.stop], x.step), lambda parts, step: slice(*parts, step))
    assert pytree.tree_map(lambda each: each + 1, [slice(1, 2, "by")]) == [slice(2, 3, "by")]
    with pytest.raises(ValueError, match="already registered"):
        pytree.register_pytree_node(slice, list, list)
    del pytree.SUPPORTED_NODES[slice]
    with pytest.raises(ValueError, match="nests of one form"):
        pytree.tree_map(max, [1], [1, 2])
    with pytest.raises(ValueError, match="expected 5 leaves, got 1"):
        pytree.tree_unflatten([1], spec)


def test_a_timer_says_what_it_has_measured():
    ticks = iter(range(1000))
    timer = benchmark.Timer("x + 1", globals={"x": 1}, timer=lambda: float(next(ticks)), label="sums", description="here")
    found = timer.timeit(10)
    assert (found.median, found.number_per_run, found.iqr) == (0.1, 10, 0.0)
    assert repr(found).splitlines() == ["Measurement", "sums", "here", "  100.00 ms", "  1 measurement, 10 runs, 1 thread"]
    table = str(benchmark.Compare([found, found])).splitlines()
    assert table[0].strip("-") == "[ sums ]" and table[3].split() == ["x", "+", "1", "|", "100.0"]
    with pytest.raises(lineal.UnsupportedError, match="statement of Python"):
        benchmark.Timer("x", language="c++")


def test_devices_that_are_not_there():
    cuda = lineal.cuda
    assert cuda.memory_allocated() == cuda.max_memory_reserved() == 0 and cuda.get_rng_state_all() == []
    with cuda.device(-1), cuda.stream(None):
        pass
    for call in (cuda.current_device, cuda.get_device_name, cuda.mem_get_info, lambda: cuda.set_device(0)):
        with pytest.raises(AssertionError, match="computes on the CPU"):
            call()
    with pytest.raises(RuntimeError, match="computes on the CPU"), cuda.device(0):
        pass
    with pytest.raises(ValueError, match="expected a cuda device, but got: cpu"):
        cuda.set_device("cpu")
    assert not lineal.mps.is_available() and not lineal.xpu.is_available() and lineal.cpu.is_available()
    with pytest.raises(RuntimeError, match="there is no accelerator"):
        lineal.accelerator.set_device_index(0)


def test_capsules_and_fans():
    x = lineal.ones(2, 3)
    assert dlpack.from_dlpack(x).data_ptr() == x.data_ptr() and "dltensor" in repr(dlpack.to_dlpack(x))
    assert nn.init._calculate_fan_in_and_fan_out(lineal.ones(3, 4, 5)) == (20, 15)


def test_nests_by_path():
    tree = {"a": [1, (2, 3)], "b": 4}
    pairs, spec = treepaths.tree_flatten_with_path(tree)
    assert [treepaths.keystr(path) for path, _ in pairs] == ["['a'][0]", "['a'][1][0]", "['a'][1][1]", "['b']"]
    assert all(treepaths.key_get(tree, path) == leaf for path, leaf in pairs) and spec.num_leaves == 4
    named = treepaths.tree_map_with_path(lambda path, x: treepaths.keystr(path) + str(x), tree)
    assert named == {"a": ["['a'][0]1", ("['a'][1][0]2", "['a'][1][1]3")], "b": "['b']4"}
    with pytest.raises(ValueError, match="one form"):
        treepaths.tree_map_with_path(lambda path, x, y: x, tree, [1])


def test_losses_whose_reduction_is_a_number():
    x, y = lineal.randn(4, 3), lineal.rand(4, 3)
    for number, word in enumerate(("none", "mean", "sum")):
        wanted = lineal.nn.functional.binary_cross_entropy_with_logits(x, y, reduction=word)
        assert lineal.equal(lineal.binary_cross_entropy_with_logits(x, y, reduction=number), wanted)
    assert lineal.allclose(lineal.kl_div(x, y, 1), lineal.kl_div(x, y, 0).mean())
    with pytest.raises(RuntimeError, match="0 \\(none\\)"):
        lineal.hinge_embedding_loss(x, y, reduction=3)


def test_points_of_sobol():
    engine = lineal.quasirandom.SobolEngine(2)
    points = engine.draw(4, dtype=lineal.float64)
    assert points.tolist() == [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    assert lineal.equal(engine.reset().fast_forward(2).draw(2), points[2:].float()) and engine.num_generated == 4
    with pytest.raises(ValueError, match="power of 2"):
        engine.draw_base2(1)
    with pytest.raises(ValueError, match="dimensionality"):
        lineal.quasirandom.SobolEngine(0)
    one, other = (lineal.quasirandom.SobolEngine(3, scramble=True, seed=5).draw(8) for _ in range(2))
    assert lineal.equal(one, other) and ((one >= 0) & (one < 1)).all()
