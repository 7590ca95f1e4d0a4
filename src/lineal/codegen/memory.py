"""The Emitter's memory: loads and stores of scalars and vectors, contiguous, strided or masked."""

from __future__ import annotations

from typing import Any

from lineal.codegen import half, kinds
from lineal.codegen.arithmetic import Arithmetic
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

STREAM_ALIGNMENT = 16
"""At a multiple of how many bytes NumPy's arrays begin, and streamed vectors must."""


def memory_type(kind: Kind, lanes: int) -> str:
    return kind.memory if lanes == 1 else f"<{lanes} x {kind.memory}>"


class Memory(Arithmetic):
    """What the Emitter can do with memory."""

    def index(self, number: int | Value) -> Value:
        """Return `number` as an int64 value."""
        return number if isinstance(number, Value) else self.const(number, kinds.int64)

    def address(self, base: Value, index: Any, kind: Kind) -> Value:
        """Return the address of base[index]; of every lane's, if index is a vector."""
        if isinstance(index, int) and index == 0:
            return base
        index = self.index(index)
        return self.new(f"getelementptr {kind.memory}, ptr {base.text}, {index.typed}", kinds.pointer, index.lanes)

    def offset(self, base: Value, count: int | Value) -> Value:
        """Return the address `count` bytes after base."""
        return self.address(base, count, kinds.int8)

    def fetch(self, address: Value, writing: bool = False) -> None:
        """Ask for the line of the cache at an address, which need not be anybody's, before it is read or written."""
        name = "llvm.prefetch.p0"
        self.declared.setdefault(name, f"declare void @{name}(ptr, i32, i32, i32)")
        self.line(f"call void @{name}(ptr {address.text}, i32 {int(writing)}, i32 3, i32 1)")

    def load(
        self,
        base: Value,
        kind: Kind,
        index: int | Value = 0,
        lanes: int = 1,
        *,
        stride: int | Value = 1,
        mask: Value | None = None,
    ) -> Value:
        """Return base[(index + lane) · stride], half precision as float32; lanes outside the mask hold anything."""
        if lanes == 1:
            return self.unpacked(self.load_plain(self.address(base, self.times(index, stride), kind), kind, 1), kind)
        if not (isinstance(stride, int) and stride == 1):
            return self.unpacked(self.load_strided(base, kind, index, lanes, stride, mask), kind)
        address = self.address(base, index, kind)
        if mask is None:
            return self.unpacked(self.load_plain(address, kind, lanes), kind)
        vector = memory_type(kind, lanes)
        name = f"llvm.masked.load.v{lanes}{self.suffix(kind)}.p0"
        self.declared.setdefault(name, f"declare {vector} @{name}(ptr, <{lanes} x i1>, {vector})")
        code = f"call {vector} @{name}(ptr align {kind.itemsize} {address.text}, {mask.typed}, {vector} zeroinitializer)"
        return self.unpacked(self.new(code, self.raw(kind), lanes), kind)

    def store(
        self,
        value: Value,
        base: Value,
        index: int | Value = 0,
        *,
        kind: Kind | None = None,
        stride: int | Value = 1,
        mask: Value | None = None,
    ) -> None:
        """Write base[(index + lane) · stride] = value, converted to `kind` (else its own), where the mask holds."""
        kind = value.kind if kind is None else kind
        packed = self.packed(value, kind)
        if value.lanes == 1:
            self.store_plain(packed, self.address(base, self.times(index, stride), kind), kind)
        elif not (isinstance(stride, int) and stride == 1):
            self.store_strided(packed, base, kind, index, stride, mask)
        elif mask is None:
            self.store_plain(packed, self.address(base, index, kind), kind)
        else:
            address = self.address(base, index, kind)
            name = f"llvm.masked.store.v{value.lanes}{self.suffix(kind)}.p0"
            self.declared.setdefault(name, f"declare void @{name}({packed.type}, ptr, {mask.type})")
            self.line(f"call void @{name}({packed.typed}, ptr align {kind.itemsize} {address.text}, {mask.typed})")

    def stream(self, value: Value, address: Value) -> None:
        """Write a vector to an address, a multiple of `STREAM_ALIGNMENT`, past the caches; `drain` has to follow."""
        self.declared["!0"] = "!0 = !{i32 1}"
        self.line(f"store {value.typed}, ptr {address.text}, align {STREAM_ALIGNMENT}, !nontemporal !0")

    def drain(self) -> None:
        """Let what was streamed be seen before what is written from here on."""
        self.line("fence seq_cst")

    # the parts

    def times(self, index: int | Value, stride: int | Value) -> Any:
        if isinstance(stride, int) and stride == 1:
            return index
        return index * stride

    def raw(self, kind: Kind) -> Kind:
        """Return the kind that holds memory's bits: bools are bytes, half precisions 16 bits."""
        return kinds.uint8 if kind.family == "b" else kinds.uint16 if kind.memory == "i16" and kind.family == "f" else kind

    def suffix(self, kind: Kind) -> str:
        raw = self.raw(kind)
        return f"f{raw.bits}" if raw.family == "f" else f"i{raw.bits}"

    def load_plain(self, address: Value, kind: Kind, lanes: int) -> Value:
        return self.new(f"load {memory_type(kind, lanes)}, ptr {address.text}, align {kind.itemsize}", self.raw(kind), lanes)

    def store_plain(self, packed: Value, address: Value, kind: Kind) -> None:
        self.line(f"store {packed.typed}, ptr {address.text}, align {kind.itemsize}")

    def unpacked(self, raw: Value, kind: Kind) -> Value:
        if kind.family == "b":
            return self.compare("ne", raw, 0)
        return half.from_bits(self, raw, kind) if raw.kind is not kind else raw

    def packed(self, value: Value, kind: Kind) -> Value:
        if kind.family == "b":
            return self.cast(self.cast(value, kind), kinds.uint8)
        if kind.is_narrow:
            if value.kind is kind:
                return self.bitcast(value, kinds.uint16)
            return half.to_bits(self, self.cast(value, kinds.float32), kind)
        return self.cast(value, kind)

    def load_strided(self, base: Value, kind: Kind, index: Any, lanes: int, stride: Any, mask: Value | None) -> Value:
        if mask is not None:
            return self.gather(base, kind, index, lanes, stride, mask)
        result = self.undefined(self.raw(kind), lanes)
        for lane in range(lanes):
            address = self.address(base, self.times(self.index(index) + lane, stride), kind)
            result = self.insert(result, self.load_plain(address, kind, 1), lane)
        return result

    def store_strided(self, packed: Value, base: Value, kind: Kind, index: Any, stride: Any, mask: Value | None) -> None:
        if mask is not None:
            self.scatter(packed, base, kind, index, stride, mask)
            return
        for lane in range(packed.lanes):
            address = self.address(base, self.times(self.index(index) + lane, stride), kind)
            self.store_plain(self.extract(packed, lane), address, kind)

    def positions(self, index: Any, lanes: int, stride: Any) -> Value:
        numbers = self.splat(self.index(index), lanes) + self.iota(kinds.int64, lanes)
        return self.times(numbers, stride)

    def gather(self, base: Value, kind: Kind, index: Any, lanes: int, stride: Any, mask: Value) -> Value:
        return self.gather_at(self.address(base, self.positions(index, lanes, stride), kind), kind, mask)

    def gathered(self, base: Value, index: Value, kind: Kind, mask: Value) -> Value:
        """Return base[index] for a vector of indices; lanes outside the mask hold anything."""
        if mask.lanes == 1:
            return self.load(base, kind, self.select(mask, index, 0))
        return self.unpacked(self.gather_at(self.address(base, index, kind), kind, mask), kind)

    def gather_at(self, addresses: Value, kind: Kind, mask: Value) -> Value:
        """Return what lies at addresses, as it lies in memory."""
        lanes = mask.lanes
        vector = memory_type(kind, lanes)
        name = f"llvm.masked.gather.v{lanes}{self.suffix(kind)}.v{lanes}p0"
        self.declared.setdefault(name, f"declare {vector} @{name}(<{lanes} x ptr>, <{lanes} x i1>, {vector})")
        pointers = f"<{lanes} x ptr> align {kind.itemsize} {addresses.text}"
        return self.new(f"call {vector} @{name}({pointers}, {mask.typed}, {vector} zeroinitializer)", self.raw(kind), lanes)

    def scatter(self, packed: Value, base: Value, kind: Kind, index: Any, stride: Any, mask: Value) -> None:
        lanes = packed.lanes
        addresses = self.address(base, self.positions(index, lanes, stride), kind)
        name = f"llvm.masked.scatter.v{lanes}{self.suffix(kind)}.v{lanes}p0"
        self.declared.setdefault(name, f"declare void @{name}({packed.type}, <{lanes} x ptr>, {mask.type})")
        pointers = f"<{lanes} x ptr> align {kind.itemsize} {addresses.text}"
        self.line(f"call void @{name}({packed.typed}, {pointers}, {mask.typed})")
