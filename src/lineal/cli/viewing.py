"""`lineal view`: a page of a model, a function, or runs."""

from __future__ import annotations

import argparse
import os
import re
import runpy
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lineal
from lineal.base import dtypes
from lineal.base.errors import UnsupportedError
from lineal.cli import display
from lineal.cli.standing import standing_in
from lineal.compiler import CompiledFunction
from lineal.compiler.calling.function import signature
from lineal.insight import draw, summary
from lineal.insight.viewing.page import Page
from lineal.insight.viewing.programs import program_data
from lineal.insight.viewing.serving import PageServer
from lineal.nn import Module
from lineal.porting.finder import install
from lineal.profiler import kernels
from lineal.tensors import Tensor
from lineal.train import curves

NAMED = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_][\w.]*)")
CALLS = 3
"""After as many calls with equal arguments a function is a program."""


def run(args: argparse.Namespace) -> int:
    """Make the page, write or serve it until the keyboard interrupts, and return the exit code."""
    named = [NAMED.fullmatch(each) for each in args.what]
    make: Callable[[], Page]
    if named[0] is None:
        if args.inputs:
            raise ValueError("--input: runs have no inputs")
        make = lambda: page_of_runs(args.what)
        make()
    elif len(named) > 1:
        raise ValueError(f"expected one FILE.py:NAME, or paths of runs, got {' '.join(args.what)}")
    else:
        page = page_of(named[0]["file"], named[0]["name"], inputs_of(args.inputs))
        make = lambda: page
    if args.out is None:
        return serve(lambda: make().html, args)
    make().save(args.out)
    display.show_json({"file": str(args.out)}) if args.json else print(args.out)
    return 0


def serve(make_page: Callable[[], str], args: argparse.Namespace) -> int:
    """Serve a page to this machine until the keyboard interrupts."""
    with PageServer(make_page, args.port) as server:
        if args.json:
            display.show_json({"url": server.address})
        else:
            print(f"{server.address} (Ctrl-C ends; a reload reads runs anew)")
        # a reader in a pipe waits for the address
        print(end="", flush=True)
        if args.browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def page_of_runs(paths: Sequence[str]) -> Page:
    """Return the page of the runs at some paths, which are read now."""
    found = {name: each for path in paths for name, each in curves.runs(path).items()}
    return Page(", ".join(found), runs=found)


def inputs_of(shapes: Sequence[tuple[tuple[int, ...], str]]) -> list[Tensor]:
    """Return random numbers of shapes and dtypes, zeros where the dtype has whole numbers; the same in each process."""
    random = lineal.Generator().manual_seed(0)
    found = []
    for sizes, name in shapes:
        dtype = getattr(lineal, name, None)
        if not isinstance(dtype, dtypes.dtype):
            raise ValueError(f"--input: there is no dtype {name!r}")
        floats = dtype.is_floating_point or dtype.is_complex
        numbers = lineal.randn(sizes, generator=random).to(dtype) if floats else lineal.zeros(sizes, dtype=dtype)
        found.append(numbers)
    return found


def page_of(file: str, name: str, inputs: list[Tensor]) -> Page:
    """Return the page of what a file calls `name`, of a class of modules of a new one.

    ValueError if it is not there, or fails for these inputs.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(2, "No such file", file)
    install()
    with standing_in(file, Path(file).resolve().parent, []):
        what = member(file, name)
        try:
            what = what() if isinstance(what, type) and issubclass(what, Module) else what
            function = what.function if isinstance(what, CompiledFunction) else what
            drawing = draw(function, *inputs)
            layers = summary(function, *inputs) if isinstance(function, Module) else None
            programs, eager = programs_of(what if isinstance(what, CompiledFunction) else CompiledFunction(what), inputs)
        except Exception as error:
            shapes = ", ".join(str(list(each.shape)) for each in inputs) or "no inputs"
            raise ValueError(f"{name} fails for {shapes}: {type(error).__name__}: {error}") from error
    # whoever is given the page need not learn where the file was
    folder = str(Path(file).resolve().parent) + os.sep
    boxes = drawing.diagram.boxes
    boxes[:] = [each._replace(place=each.place.removeprefix(folder)) for each in boxes]
    return Page(f"{Path(file).name}: {name}", drawing, layers, programs, eager)


def member(file: str, name: str) -> Any:
    """Return what a file, run as a module, calls `name`: a class of modules, or what can be called."""
    what: Any = runpy.run_path(file, run_name=Path(file).stem)
    first, *rest = name.split(".")
    if first not in what:
        raise ValueError(f"{file} has no {first}")
    what = what[first]
    for each in rest:
        if not hasattr(what, each):
            raise ValueError(f"{file}: {first} has no {each}")
        what = getattr(what, each)
    if not callable(what) or isinstance(what, Tensor):
        raise ValueError(f"{file}: {name} is no model and no function, but of type {type(what).__name__}")
    return what


def programs_of(function: CompiledFunction, inputs: list[Tensor]) -> tuple[list[dict[str, Any]], str]:
    """Return the program that a function becomes for these inputs, in its parts, or why it runs eagerly."""
    for _ in range(CALLS):
        function(*inputs)
    if function.eager is not None:
        return [], function.eager
    program: Any = function.candidate(signature(tuple(inputs), {}), inputs, (), [])
    if program is None:
        return [], "there is no program for these inputs"
    try:
        times = kernels(function, *inputs)
    except UnsupportedError as error:
        return [], str(error)
    parts = {"forward": program} if hasattr(program, "schedule") else {"forward": program.ahead, "backward": program.back}
    return [program_data(each, part, [one for one in times if one.part == part]) for part, each in parts.items()], ""
