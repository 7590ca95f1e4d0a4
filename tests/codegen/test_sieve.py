"""The profile function that keeps calls of known code to itself."""

from __future__ import annotations

import ctypes
import sys

from lineal.codegen.cpython.sieve import CALLED, CALLED_C, Sieve

Profile = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)


def quiet():
    return len("quiet") + loud()


def loud():
    return abs(-1)


def events(sieve_of, function):
    """Return what is heard of a call: names of code, and whether a function of C's is called there."""
    found = []

    def heard(_, frame, what, given):
        found.append((frame.f_code.co_name, what == CALLED_C))
        assert what in (CALLED, CALLED_C)
        return 0

    kept = Profile(heard)
    sieve = Sieve(ctypes.cast(kept, ctypes.c_void_p).value)
    for code in sieve_of:
        sieve.leave_out(code)
    install = ctypes.pythonapi.PyEval_SetProfile
    install.restype, install.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
    before = sys.getprofile()
    install(sieve.address, id(sieve))
    try:
        function()
    finally:
        install(None, None)
        sys.setprofile(before)
    return [each for each in found if each[0] in ("quiet", "loud")]


def test_calls_are_passed_on_but_for_those_of_code_that_was_left_out():
    everything = [("quiet", False), ("quiet", True), ("loud", False), ("loud", True)]
    assert events([], quiet) == everything
    assert events([quiet.__code__], quiet) == everything[2:]
    assert events([loud.__code__], quiet) == everything[:2]
    assert events([loud.__code__, quiet.__code__], quiet) == []


def test_code_that_is_left_out_stays_alive_and_the_table_does_not_overflow():
    sieve = Sieve(1)
    codes = [compile(f"x = {n}", "<made>", "exec") for n in range(9000)]
    for code in codes:
        sieve.leave_out(code)
    assert len(sieve.codes) == (sieve.table != 0).sum() <= len(sieve.table) // 4
    assert set(map(id, sieve.codes)) == set(sieve.table[sieve.table != 0].tolist())
