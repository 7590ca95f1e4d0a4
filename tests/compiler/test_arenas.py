"""Memory that programs have for a call: programs that do not run at once have the same."""

import gc
import threading

import numpy as np

import lineal
from lineal.codegen.arenas import Arenas, shared


def twice_softmax(x):
    return x.softmax(0).T.softmax(0)


def test_programs_of_several_sizes_share_the_largest_arena():
    sizes = [512, 768]
    functions = [lineal.compile(twice_softmax) for _ in sizes]
    for n, function in zip([*sizes, *sizes], functions * 2):
        x = lineal.rand(n, n)
        for _ in range(3):
            lineal.testing.assert_close(function(x), twice_softmax(x), rtol=1e-5, atol=1e-6)
    free = shared().free
    assert len(free) == 1 and free[0].nbytes < 2 * 4 * max(sizes) ** 2 + (1 << 20)
    del functions, function, free
    gc.collect()
    assert not shared().free


def test_calls_at_once_have_different_arenas():
    arenas, begun, seen = Arenas(), threading.Barrier(2, timeout=20), []

    def run(number, arena):
        arena[:] = number
        begun.wait()
        seen.append(bool((arena == number).all()) and arena.nbytes)

    calls = [threading.Thread(target=arenas.lending(run, size), args=(size, None)) for size in (40, 80)]
    for each in calls:
        each.start()
    for each in calls:
        each.join()
    assert sorted(seen) == [40, 80] and len(arenas.free) == 2


def test_a_larger_arena_takes_the_place_of_a_smaller_one():
    arenas = Arenas()
    assert [arenas.lending(lambda arena: arena.nbytes, size)(None) for size in (8, 32, 16)] == [8, 32, 16]
    assert [each.nbytes for each in arenas.free] == [32] and arenas.free[0].dtype == np.uint8


def test_what_lies_in_the_arena_is_explained():
    text = lineal.explain(twice_softmax, memory=True)(lineal.rand(300, 300))
    assert "bytes of memory during a call" in text and ": float32[300, 300], 360,000 bytes at 0, kernels" in text
    assert "during a call" not in lineal.explain(twice_softmax)(lineal.rand(300, 300))
