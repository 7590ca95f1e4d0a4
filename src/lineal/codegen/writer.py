"""The Emitter's text: modules, functions, calls, basic blocks, and memory that others read through an address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lineal.codegen import kinds
from lineal.codegen.kinds import Kind
from lineal.codegen.target import Target, host
from lineal.codegen.values import Value

Lanes = tuple[Kind, int]


class Frame:
    """What is known of the function that is being written."""

    def __init__(self, header: str):
        self.header = header
        self.lines: list[str] = []
        self.count = 0
        self.block = "entry"
        self.inlined: dict[str, int] = {}
        self.slots: list[str] = []
        self.numbers: Value | None = None
        """Where the numbers are that the function loads, if it does."""
        self.loads: dict[str, list[str]] = {}
        """What it loads of them, by name."""


class Writer:
    """Writes one LLVM module for one target."""

    general = False
    """Whether the code is to serve other numbers too: its form must not depend on them."""
    spread = True
    streams = False
    """Whether results that no cache holds are written past the caches."""

    def __init__(self, target: Target | None = None):
        self.target = host() if target is None else target
        self.functions: list[str] = []
        self.declared: dict[str, str] = {}
        self.defined: dict[str, str] = {}
        self.frames: list[Frame] = []

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def lanes(self, kind: Kind) -> int:
        """Return how many values of `kind` a vector of the target holds."""
        return self.target.lanes(kind)

    # functions

    @contextmanager
    def function(
        self,
        name: str,
        parameters: Sequence[tuple],
        result: Kind | Lanes | None = None,
        *,
        internal: bool = False,
        bare: bool = False,
    ) -> Iterator[tuple[Value, ...]]:
        """Write the function `name`; a parameter is (name, kind) or (name, kind, lanes). Yield the parameters' values.

        A `bare` function is called from elsewhere: it has these parameters, and no others for numbers.
        """
        values = tuple(Value(self, f"%{p[0]}", p[1], p[2] if len(p) > 2 else 1) for p in parameters)
        returned = "void" if result is None else self.type_of(result)
        linkage = "internal " if internal else ""
        self.frames.append(Frame(f"define {linkage}{returned} @{name}({', '.join(v.typed for v in values)}) #0"))
        self.defined[name] = returned
        yield values
        frame = self.frames[-1]
        if result is None and frame.lines[-1:] != ["  ret void"]:
            self.line("ret void")
        self.frames.pop()
        self.functions.append("\n".join((frame.header + " {", "entry:", *frame.slots, *frame.lines, "}")))

    def ret(self, value: Value | None = None) -> None:
        """Return from the function."""
        self.line("ret void" if value is None else f"ret {value.typed}")

    def type_of(self, given: Kind | Lanes) -> str:
        kind, lanes = (given, 1) if isinstance(given, Kind) else given
        return kinds.type_of(kind, lanes)

    def call(self, name: str, result: Kind | Lanes | None, *arguments: Value) -> Value:
        """Call the function `name`: one of this module, or one bound by the linker."""
        returned = "void" if result is None else self.type_of(result)
        if name not in self.defined and name not in self.declared:
            self.declared[name] = f"declare {returned} @{name}({', '.join(a.type for a in arguments)})"
        code = f"call {returned} @{name}({', '.join(a.typed for a in arguments)})"
        if result is None:
            self.line(code)
            return Value(self, "undef", kinds.bool_)
        kind, lanes = (result, 1) if isinstance(result, Kind) else result
        return self.new(code, kind, lanes)

    def call_pointer(self, function: Value, *arguments: Value) -> None:
        """Call the void function that `function` points to."""
        self.line(f"call void {function.text}({', '.join(a.typed for a in arguments)})")

    def symbol(self, name: str, declaration: str = "external global i8") -> Value:
        """Return the address of `name`, a datum or function of this module or bound by the linker."""
        if name not in self.defined:
            self.declared.setdefault(name, f"@{name} = {declaration}")
        return Value(self, f"@{name}", kinds.pointer)

    def intrinsic(self, name: str, *arguments: Value, result: Kind | None = None) -> Value:
        """Call an LLVM intrinsic that is overloaded on its first argument's type."""
        first = arguments[0]
        suffix = f"f{first.kind.bits}" if first.kind.family == "f" else f"i{first.kind.bits}"
        vector = "" if first.lanes == 1 else f"v{first.lanes}"
        kind = result or first.kind
        return self.call(f"llvm.{name}.{vector}{suffix}", (kind, first.lanes), *arguments)

    # numbers that are left open: only a TemplateEmitter has any

    def decided(self, condition: bool) -> Value | None:
        """Return what to ask when the code runs, None if what holds now always does."""
        return None

    def apart(self, number: int) -> Value:
        """Return a number that follows from sizes in steps: a few sizes do not tell whether it varies, so it is taken to."""
        return Value(self, str(number), kinds.int64)

    def passed(self) -> list[Value]:
        """Return what functions called from here must be given beyond their arguments."""
        return []

    def inherit(self, table: Value, place: int) -> None:
        """Read at a place of a table what the function that made it was given beyond its arguments."""

    # numbers that others read through their address

    def stack(self, nbytes: int | Value) -> Value:
        """Return the address of so many bytes that belong to this call."""
        name = self.name()
        self.frame.slots.append(f"  {name} = alloca [{nbytes} x i8], align 64")
        return Value(self, name, kinds.pointer)

    def slot(self, value: Value) -> Value:
        """Return the address of memory of this call that holds value."""
        name = self.name()
        self.frame.slots.append(f"  {name} = alloca {value.type}")
        self.line(f"store {value.typed}, ptr {name}")
        return Value(self, name, kinds.pointer)

    def constant(self, number: object, kind: Kind) -> Value:
        """Return the address of a constant."""
        text = kinds.literal(number, kind)
        name = f"constant.{kind.name}.{text}".replace("-", "minus")
        self.declared.setdefault(name, f"@{name} = private unnamed_addr constant {kind.memory} {text}")
        return Value(self, f"@{name}", kinds.pointer)

    # the text

    def line(self, code: str) -> None:
        self.frame.lines.append(f"  {code}")

    def name(self) -> str:
        """Return a new name for a value."""
        self.frame.count += 1
        return f"%v{self.frame.count}"

    def new(self, code: str, kind: Kind, lanes: int = 1) -> Value:
        """Write `code`, which computes a value, and return the value."""
        frame = self.frames[-1]
        frame.count += 1
        name = f"%v{frame.count}"
        frame.lines.append(f"  {name} = {code}")
        return Value(self, name, kind, lanes)

    def label(self, stem: str) -> str:
        self.frame.count += 1
        return f"{stem}{self.frame.count}"

    def begin(self, label: str) -> None:
        """Begin the basic block `label`."""
        self.frame.lines.append(f"{label}:")
        self.frame.block = label

    def text(self) -> str:
        """Return the module."""
        width = str(max(self.target.bits, 128))
        attributes = f'attributes #0 = {{ nounwind "prefer-vector-width"="{width}" "min-legal-vector-width"="{width}" }}'
        parts = [f'target triple = "{self.target.triple}"', *self.declared.values(), *self.functions, attributes]
        return "\n".join(parts) + "\n"
