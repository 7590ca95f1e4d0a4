"""The code of the fork-join pool: the loop that workers live in, and `fork`, which runs a function on all threads at once.

State is one block of memory, a cache line for each field that different threads write:

    generation   grows by one with every region; workers wait for it to change
    pending      workers that have not finished the region
    busy         1 while a region runs; a second caller finds it taken and runs alone
    sleepers     workers in the kernel's wait, which the caller must wake
    gate         the generation that workers may enter; 0 when the work is all taken
    inside       workers that have entered, or are looking whether they may
    function, argument, workers, spins, stop, start
"""

from __future__ import annotations

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, pointer
from lineal.codegen.target import Target
from lineal.codegen.values import Value

FIELDS = {
    "generation": 0,
    "pending": 64,
    "busy": 128,
    "sleepers": 192,
    "function": 256,
    "argument": 264,
    "workers": 272,
    "spins": 276,
    "stop": 280,
    "start": 288,
    "gate": 296,
    "moved": 304,
    "place": 312,
    "joined": 320,
    "inside": 384,
}
SIZE = 448
# Linux's number of the futex system call, by the first part of the target triple
FUTEX = {"x86_64": 202, "aarch64": 98}
FUTEX_WAIT, FUTEX_WAKE = 128, 129
# join lets others run every so many rounds of waiting
YIELD_EVERY = 2048


class PoolWriter:
    """Writes the module of the pool."""

    def __init__(self, target: Target):
        self.e = Emitter(target)
        system = target.triple.split("-", 1)
        self.futex = FUTEX.get(system[0]) if "linux" in system[-1] else None
        self.windows = "windows" in system[-1]

    def at(self, state: Value, field: str) -> Value:
        return self.e.offset(state, FIELDS[field])

    def read(self, state: Value, field: str, order: str = "acquire") -> Value:
        return self.e.new(f"load atomic i32, ptr {self.at(state, field).text} {order}, align 4", int32)

    def write(self, state: Value, field: str, value: Value, order: str = "release") -> None:
        self.e.line(f"store atomic {value.typed}, ptr {self.at(state, field).text} {order}, align 4")

    def change(self, state: Value, field: str, by: int, order: str = "seq_cst") -> Value:
        """Add to a field at once; return what it was."""
        return self.e.new(f"atomicrmw add ptr {self.at(state, field).text}, i32 {by} {order}", int32)

    def pause(self) -> None:
        """Tell the processor that this thread waits."""
        if self.e.target.x86:
            self.e.call("llvm.x86.sse2.pause", None)
        else:
            self.e.call("llvm.aarch64.hint", None, self.e.const(1, int32))

    def sleep(self, state: Value, seen: Value) -> None:
        """Wait in the kernel until the generation is no longer `seen`; may return early."""
        e = self.e
        if self.futex is not None:
            address = self.at(state, "generation")
            e.declared.setdefault("syscall", "declare i64 @syscall(i64, ...)")
            e.line(f"call i64 (i64, ...) @syscall(i64 {self.futex}, {address.typed}, i32 {FUTEX_WAIT}, {seen.typed}, ptr null)")
        elif self.windows:
            e.call("Sleep", None, e.const(1, int32))
        else:
            e.call("usleep", int32, e.const(200, int32))

    def wake(self, state: Value) -> None:
        if self.futex is None:
            return
        address = self.at(state, "generation")
        self.e.declared.setdefault("syscall", "declare i64 @syscall(i64, ...)")
        self.e.line(f"call i64 (i64, ...) @syscall(i64 {self.futex}, {address.typed}, i32 {FUTEX_WAKE}, i32 2147483647)")

    def keep_off(self, state: Value) -> None:
        """Write: if the caller runs on another processor than the last time, have the sleeping workers kept off it."""
        if self.futex is None:
            return
        e = self.e
        here, moved = e.call("sched_getcpu", int32), e.load(self.at(state, "moved"), pointer)
        with e.when((here != self.read(state, "place", "monotonic")) & (moved != 0)):
            self.write(state, "place", here, "monotonic")
            e.call_pointer(moved)

    def let_others_run(self) -> None:
        if self.windows:
            self.e.call("SwitchToThread", int32)
        else:
            self.e.call("sched_yield", int32)

    def job(self, state: Value, number: Value, count: Value) -> None:
        """Call the region's function: function(argument, number of this thread, number of threads)."""
        e = self.e
        function, argument = (e.load(self.at(state, f), pointer) for f in ("function", "argument"))
        e.call_pointer(function, argument, number, count)

    def wait_for_change(self, state: Value, seen: Value) -> Value:
        """Spin, then sleep, until the generation is not `seen`; return the new one."""
        e = self.e
        again, woken, asleep, spin = (e.label(s) for s in ("again", "woken", "asleep", "spin"))
        left = e.variable(self.read(state, "spins", "monotonic"))
        before = e.frame.block
        e.jump(again)
        e.begin(again)
        rest, lower = Value(e, e.name(), int32), Value(e, e.name(), int32)
        e.line(f"{rest.text} = phi i32 [ {left.value.text}, %{before} ], [ {lower.text}, %{spin} ], [ 0, %{asleep} ]")
        now = self.read(state, "generation")
        check = e.label("check")
        e.branch(now != seen, woken, check)
        e.begin(check)
        e.branch(rest > 0, spin, asleep)
        e.begin(spin)
        self.pause()
        e.line(f"{lower.text} = sub i32 {rest.text}, 1")
        e.jump(again)
        e.begin(asleep)
        self.change(state, "sleepers", 1)
        self.sleep(state, seen)
        self.change(state, "sleepers", -1)
        e.jump(again)
        e.begin(woken)
        return now

    def worker(self) -> None:
        """Write worker(state, number, generation): the life of a worker."""
        e = self.e
        with e.function("worker", [("state", pointer), ("number", int32), ("first", int32)]) as (state, number, first):
            loop, work, over = (e.label(s) for s in ("loop", "work", "over"))
            e.jump(loop)
            e.begin(loop)
            seen = Value(e, e.name(), int32)
            place = len(e.frame.lines)
            e.frame.lines.append("")
            now = self.wait_for_change(state, seen)
            e.branch(self.read(state, "stop") != 0, over, work)
            e.begin(work)
            # either this is seen by the caller who closes the gate, or the closed gate is seen here
            self.change(state, "inside", 1)
            with e.when(self.read(state, "gate", "seq_cst") == now):
                self.job(state, number, self.read(state, "workers", "monotonic") + 1)
                self.change(state, "pending", -1, "release")
            self.change(state, "inside", -1)
            e.frame.lines[place] = f"  {seen.text} = phi i32 [ {first.text}, %entry ], [ {now.text}, %{e.frame.block} ]"
            e.jump(loop)
            e.begin(over)
            self.change(state, "joined", 1)

    def try_fork(self, name: str, shared: bool) -> None:
        """Write try_fork(state, function, argument, needed): run the function on every thread, the caller's being number 0.

        Returns 1; or 0, having done nothing, if a region runs already or there are fewer threads than needed. If the work is
        `shared`, it is all done when the caller's function returns, but for what others do then: who comes too late is not
        waited for.
        """
        e = self.e
        parameters = [("state", pointer), ("function", pointer), ("argument", pointer), ("needed", int32)]
        zero, one = e.const(0, int32), e.const(1, int32)
        with e.function(name, parameters, int32) as (state, function, argument, needed):
            taken, refused, start, ready, enough, too_few = (
                e.label(s) for s in ("taken", "refused", "start", "ready", "enough", "too_few")
            )
            before = e.new(f"atomicrmw xchg ptr {self.at(state, 'busy').text}, i32 1 seq_cst", int32)
            e.branch(before == 0, taken, refused)
            e.begin(refused)
            e.ret(zero)
            e.begin(taken)
            e.branch(self.read(state, "workers", "monotonic") < 0, start, ready)
            e.begin(start)
            e.call_pointer(e.load(self.at(state, "start"), pointer))
            e.jump(ready)
            e.begin(ready)
            workers = self.read(state, "workers", "monotonic")
            e.branch(workers >= needed - 1, enough, too_few)
            e.begin(too_few)
            self.write(state, "busy", zero)
            e.ret(zero)
            e.begin(enough)
            with e.if_else(workers > 0) as (then, otherwise):
                with then:
                    self.region(state, function, argument, workers, shared)
                with otherwise:
                    e.call_pointer(function, argument, zero, one)
            self.write(state, "busy", zero)
            e.ret(one)

    def fork(self, name: str, attempt: str) -> None:
        """Write fork(state, function, argument): the same, or if a region runs already the function on this thread alone."""
        e = self.e
        parameters = [("state", pointer), ("function", pointer), ("argument", pointer)]
        one = e.const(1, int32)
        with e.function(name, parameters) as (state, function, argument):
            done = e.call(attempt, int32, state, function, argument, one)
            with e.when(done == 0):
                e.call_pointer(function, argument, e.const(0, int32), one)

    def region(self, state: Value, function: Value, argument: Value, workers: Value, shared: bool) -> None:
        """Write the publishing of a region, the caller's part, and the wait for the others'."""
        e = self.e
        e.store(function, self.at(state, "function"))
        e.store(argument, self.at(state, "argument"))
        self.write(state, "pending", workers, "monotonic")
        self.write(state, "gate", self.read(state, "generation", "monotonic") + 1, "seq_cst")
        self.change(state, "generation", 1)
        with e.when(self.read(state, "sleepers", "seq_cst") != 0):
            self.keep_off(state)
            self.wake(state)
        self.job(state, e.const(0, int32), workers + 1)
        if shared:
            self.write(state, "gate", e.const(0, int32), "seq_cst")
        self.join(state, "inside" if shared else "pending")

    def join(self, state: Value, field: str) -> None:
        """Write the wait until nobody is left."""
        e = self.e
        again, wait, yields, spin, joined = (e.label(s) for s in ("join", "wait", "yields", "rest", "joined"))
        before = e.frame.block
        e.jump(again)
        e.begin(again)
        rounds, more = Value(e, e.name(), int32), Value(e, e.name(), int32)
        e.line(f"{rounds.text} = phi i32 [ 1, %{before} ], [ {more.text}, %{spin} ]")
        e.branch(self.read(state, field, "seq_cst") == 0, joined, wait)
        e.begin(wait)
        self.pause()
        e.branch((rounds & (YIELD_EVERY - 1)) == 0, yields, spin)
        e.begin(yields)
        self.let_others_run()
        e.jump(spin)
        e.begin(spin)
        e.line(f"{more.text} = add i32 {rounds.text}, 1")
        e.jump(again)
        e.begin(joined)

    def rest(self) -> None:
        """Write stop(state), which ends the workers, and acquire(state), which takes the pool if nobody has it."""
        e = self.e
        with e.function("stop", [("state", pointer)]) as (state,):
            self.write(state, "stop", e.const(1, int32))
            self.change(state, "generation", 1)
            self.wake(state)
        with e.function("acquire", [("state", pointer)], int32) as (state,):
            before = e.new(f"atomicrmw xchg ptr {self.at(state, 'busy').text}, i32 1 seq_cst", int32)
            e.ret(before ^ 1)

    def text(self) -> str:
        """Return the module: worker, try_fork, fork, share, stop and acquire."""
        self.worker()
        self.try_fork("try_fork", False)
        self.fork("fork", "try_fork")
        self.try_fork("try_share", True)
        self.fork("share", "try_share")
        self.rest()
        return self.e.text()
