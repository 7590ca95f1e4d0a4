"""From LLVM text to addresses that can be called: compile or fetch from the cache, link, keep alive."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lineal.base import later
from lineal.base.threads import available
from lineal.base.version import __version__
from lineal.codegen.cache import Cache, default_folder
from lineal.codegen.emit import Emitter
from lineal.codegen.once import once
from lineal.codegen.target import Target, host, prepare

llvm: Any = later.module("llvmlite.binding")

Source = str | Emitter


def object_of(module, machine) -> bytes:
    """Return a module's object code.

    llvmlite holds one lock during each of its calls, so its own emit_object lets no two threads compile at once. LLVM needs
    none for modules of different contexts and machines of different threads, so the bare C function is called.
    """
    emit = getattr(llvm.ffi.lib.LLVMPY_TargetMachineEmitToMemory, "_cfn", None)
    if emit is None:
        return machine.emit_object(module)
    with llvm.ffi.OutputString() as error:
        buffer = emit(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(f"engine: LLVM made no object code: {error}")
    try:
        return ctypes.string_at(llvm.ffi.lib.LLVMPY_GetBufferStart(buffer), llvm.ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        llvm.ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


class Library:
    """Linked code; its functions may be called as long as it lives."""

    def __init__(self, tracker, names: Iterable[str]):
        self.tracker = tracker
        self.addresses = {name: tracker[name] for name in names}

    def __getitem__(self, name: str) -> int:
        """Return the address of the function `name`."""
        return self.addresses[name]


class Engine:
    """Compiles and links for one target; may be used by several threads."""

    def __init__(self, target: Target, cache: Cache | None):
        self.target = target
        self.cache = cache
        self.lock = threading.Lock()
        self.machines = threading.local()
        self.numbers = itertools.count()
        self.hits = self.misses = 0

    @property
    def jit(self):
        """LLVM's linker, made at first use."""
        found = self.__dict__.get("linker")
        if found is None:
            prepare()
            found = self.__dict__["linker"] = llvm.create_lljit_compiler(self.target.new_machine(), use_jit_link=False)
        return found

    def key(self, text: str) -> str:
        """Return the digest of everything that object code depends on."""
        version = ".".join(map(str, llvm.llvm_version_info))
        made_of = (text, self.target.cpu, self.target.features, self.target.triple, version, __version__)
        return hashlib.sha256("\0".join(made_of).encode()).hexdigest()

    def compile(self, source: Source) -> bytes:
        """Return the object code of a module, from the cache if it has been compiled before."""
        text = text_of(source)
        found = self.found(text)
        return self.made(text) if found is None else found

    def found(self, text: str) -> bytes | None:
        """Return the object code of a module that is in the cache."""
        found = self.cache.get(self.key(text)) if self.cache is not None else None
        self.hits += found is not None
        return found

    def recalled(self, recipe: str | None) -> bytes | None:
        """Return the object code of what was once written by a recipe (`recipes`), if that is in the cache."""
        if self.cache is None or recipe is None:
            return None
        key = self.cache.get(self.key(recipe))
        found = None if key is None else self.cache.get(key.decode())
        self.hits += found is not None
        return found

    def remember(self, recipe: str | None, source: Source) -> None:
        """Keep which module is written by a recipe."""
        if self.cache is not None and recipe is not None:
            self.cache.put(self.key(recipe), self.key(text_of(source)).encode())

    def made(self, text: str) -> bytes:
        """Return the object code of a module, compiled now and kept in the cache."""
        self.misses += 1
        made = self.generate(text)
        if self.cache is not None:
            self.cache.put(self.key(text), made)
        return made

    def assembly(self, source: Source) -> str:
        """Return a module's code as the processor's assembly text."""
        return self.target.new_machine().emit_assembly(llvm.parse_assembly(text_of(source), llvm.create_context()))

    def generate(self, text: str) -> bytes:
        machine = getattr(self.machines, "machine", None)
        if machine is None:
            machine = self.machines.machine = self.target.new_machine()
        # a context of its own, because LLVM's contexts are not to be shared between threads
        return object_of(llvm.parse_assembly(text, llvm.create_context()), machine)

    def compile_all(self, sources: Sequence[Source]) -> list[bytes]:
        """Return the object code of several modules; those that are not in the cache are compiled side by side."""
        texts = [text_of(source) for source in sources]
        known = {text: self.found(text) for text in texts}
        missing = [text for text, found in known.items() if found is None]
        if len(missing) < 2 or available() < 2:
            known.update((text, self.made(text)) for text in missing)
        else:
            with ThreadPoolExecutor(min(available(), len(missing))) as pool:
                known.update(zip(missing, pool.map(self.made, missing)))
        return [known[text] for text in texts]  # type: ignore[misc]

    def link(self, objects: Sequence[bytes], names: Iterable[str], symbols: Mapping[str, int] | None = None) -> Library:
        """Return the library of several objects; `symbols` binds names they use to addresses, other names are the process's."""
        names = list(names)
        builder = llvm.JITLibraryBuilder()
        for each in objects:
            builder.add_object_img(each)
        for name, address in (symbols or {}).items():
            builder.import_symbol(name, address)
        for name in names:
            builder.export_symbol(name)
        builder.add_current_process()
        with self.lock:
            return Library(builder.link(self.jit, f"lineal{next(self.numbers)}"), names)

    def build(self, source: Source, names: Iterable[str], symbols: Mapping[str, int] | None = None) -> Library:
        """Compile and link one module."""
        return self.link([self.compile(source)], names, symbols)


def text_of(source: Source) -> str:
    """Return a module's LLVM code."""
    return source.text() if isinstance(source, Emitter) else source


@once
def engine(target: Target | None = None) -> Engine:
    """Return the process's engine for the target, by default the processor at hand."""
    folder = default_folder()
    return Engine(host() if target is None else target, None if folder is None else Cache(folder))
