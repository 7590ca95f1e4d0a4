"""Code from the disk is run only if nobody else can have put it there, and made only by an LLVM that reads it right."""

import dataclasses
import os
import subprocess
import sys
import warnings

import pytest

from lineal.codegen import target
from lineal.codegen.cache import Cache, default_folder
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import int64

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and rights as on POSIX")


def text():
    e = Emitter()
    with e.function("f", [("x", int64)], int64) as (x,):
        e.ret(x + 1)
    return e


@pytest.fixture
def folder(tmp_path):
    """A cache that has one entry."""
    folder = tmp_path / "base" / "lineal"
    first = Engine(target.host(), Cache(folder))
    first.compile(text())
    assert first.misses == 1
    return folder


def hit(folder):
    """Return whether the entry is taken, and what was warned."""
    engine = Engine(target.host(), Cache(folder))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        engine.compile(text())
        engine.compile(text())
    return bool(engine.hits), [str(each.message) for each in told]


def entry(folder):
    (path,) = folder.glob("*/*.o")
    return path


@posix
def test_an_entry_of_ones_own_is_taken(folder):
    assert hit(folder) == (True, [])
    assert folder.stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("mode", [0o702, 0o777, 0o1777])
def test_a_folder_that_others_may_write_is_refused_with_one_warning(folder, mode):
    folder.chmod(mode)
    taken, told = hit(folder)
    assert not taken
    assert len(told) == 1
    assert f"{folder} can be written by others" in told[0]


@posix
def test_a_folder_above_that_others_may_write_is_refused_unless_it_is_sticky(folder):
    folder.parent.chmod(0o777)
    taken, told = hit(folder)
    assert (taken, len(told)) == (False, 1)
    folder.parent.chmod(0o1777)
    assert hit(folder) == (True, [])


def foreign(monkeypatch, path):
    """Let a path seem to belong to another user."""
    real = os.stat

    def stat(where, **options):
        found = real(where, **options)
        if os.path.abspath(where) == str(path):
            return os.stat_result((*found[:4], 12345, 12345, *found[6:10]))
        return found

    monkeypatch.setattr(os, "stat", stat)


@posix
@pytest.mark.parametrize("above", [0, 1])
def test_a_folder_of_another_user_is_refused(folder, monkeypatch, above):
    path = (folder, folder.parent)[above]
    foreign(monkeypatch, path)
    taken, told = hit(folder)
    assert not taken
    assert told == [f"lineal: compiled code is not kept between runs: {path} belongs to another user"]


@posix
def test_a_link_to_what_others_may_write_is_refused(folder, tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "link").symlink_to(open_to_all)
    assert hit(tmp_path / "link")[0] is False
    # an entry, or its folder, that is a link to elsewhere
    path = entry(folder)
    moved = tmp_path / "elsewhere.o"
    path.rename(moved)
    path.symlink_to(moved)
    assert hit(folder) == (True, [])
    assert Engine(target.host(), Cache(folder)).cache.get("0" * 64) is None
    path.unlink()
    path.symlink_to(moved)
    assert Cache(folder).get(path.stem) is None
    path.unlink()
    outside = tmp_path / "outside"
    path.parent.rename(outside)
    path.parent.symlink_to(outside)
    moved.rename(outside / path.name)
    assert Cache(folder).get(path.stem) is None
    Cache(folder, limit=0).sweep()
    assert (outside / path.name).exists()


@posix
def test_an_entry_that_others_may_write_is_made_again(folder):
    entry(folder).chmod(0o666)
    assert Cache(folder).get(entry(folder).stem) is None


def test_a_user_without_a_home_has_no_folder(monkeypatch):
    monkeypatch.delenv("LINEAL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert default_folder() is None


PROGRAM = """
import lineal
f = lineal.compile(lambda x: x * 2 + 1)
for _ in range(3):
    assert f(lineal.ones(3)).tolist() == [3, 3, 3]
"""


@posix
@pytest.mark.parametrize("home", [None, "/proc", "relative"])
def test_compiling_works_without_a_home_that_can_be_written(home, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "LINEAL_CACHE", "XDG_CACHE_HOME")}
    if home is not None:
        environment |= {"HOME": home, "XDG_CACHE_HOME": home} if home == "/proc" else {"XDG_CACHE_HOME": home, "HOME": "/proc"}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, check=True)
    assert os.listdir(tmp_path) == []


def test_an_older_llvm_is_refused_before_any_code_is_made(monkeypatch):
    monkeypatch.setattr(target, "OLDEST_LLVM", (99,))
    with pytest.raises(RuntimeError, match=r"expected llvmlite 0\.48 or newer .* with LLVM \d+.*pip install"):
        target.prepare.__wrapped__()


def test_code_for_windows_reaches_objects_by_whole_addresses():
    here = target.host()
    if not here.x86:
        pytest.skip("another processor")
    e = Emitter()
    with e.function("f", [], int64):
        e.ret(e.load(e.symbol("thing"), int64))
    windows = dataclasses.replace(here, triple="x86_64-pc-windows-msvc")
    assembly = Engine(windows, None).assembly(e)
    assert "movabs" in assembly
    assert "(%rip)" not in assembly
