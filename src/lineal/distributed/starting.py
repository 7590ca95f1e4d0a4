"""How the default group is formed: who the ranks are, and through what they exchange numbers."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from typing import Any

from lineal.base import later
from lineal.base.errors import UnsupportedError
from lineal.distributed.backends import default_pg_timeout, is_mpi_available, known_backend
from lineal.distributed.calls import Call
from lineal.distributed.groups import ProcessGroup, World, is_initialized
from lineal.distributed.stores import Store
from lineal.distributed.transport import Alone, Transport

__all__ = ["init_process_group"]

mpi: Any = later.module("lineal.distributed.mpi")
session: Any = later.module("lineal.distributed.session")
sharedmemory: Any = later.module("lineal.distributed.sharedmemory")

ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What a launcher tells each process, in the order in which it is asked for."""
PLACE = "lineal/place"
"""The key of a store under which the ranks find where they meet."""
STARTED_BY_MPI = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK")
"""What `mpirun` tells each process, of one implementation or another."""


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Store | None = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Form the default group, of processes that share memory on one machine, or, with "mpi", of those that MPI has started.

    Rank and number of processes are given, or the environment tells them (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT). Without
    any of that, and without the name of a backend, processes that `mpirun` has started use MPI. By the names "gloo" and None,
    memory is shared; "nccl" gets the same, with a warning. With a `store`, rank and number of processes are given, and the
    processes find each other through it. ValueError if something is not told or there is a group already, UnsupportedError
    for several machines without MPI.
    """
    if is_initialized():
        raise ValueError("init_process_group: trying to initialize the default process group twice!")
    name, patience = known_backend(backend), timeout or default_pg_timeout
    if name == "mpi" or (backend is None and is_started_by_mpi()):
        transport: Transport = mpi.world(patience)
        name = "mpi"
    else:
        if store is None and init_method in (None, "env://"):
            rank, world_size = from_environment(rank, world_size)
        require_told(rank, world_size, (init_method or "env://").partition("://")[0])
        init_method = init_method if store is None or world_size == 1 else agreed(store, rank)
        transport = Alone(patience) if world_size == 1 else of_one_machine(init_method, rank, world_size, patience)
    World.count = 0
    World.formed = ProcessGroup(name, transport, range(transport.size), 0)
    transport.barrier(Call("init_process_group"))


def agreed(store: Store, rank: int) -> str:
    """Return where ranks meet that share a store: rank 0 thinks it up; UnsupportedError if that is on another machine."""
    if rank == 0:
        store.set(PLACE, f"{socket.gethostname()} {secrets.token_hex(8)}")
    host, _, word = store.get(PLACE).decode().partition(" ")
    if host != socket.gethostname():
        raise UnsupportedError(
            f"init_process_group: rank {rank} is on {socket.gethostname()}, rank 0 on {host}: processes of several machines "
            'need MPI: init_process_group("mpi") under mpirun'
        )
    return f"store://{word}"


def is_started_by_mpi() -> bool:
    """Return whether `mpirun` has started this process, and no other launcher."""
    return "WORLD_SIZE" not in os.environ and any(name in os.environ for name in STARTED_BY_MPI) and is_mpi_available()


def from_environment(rank: int, world_size: int) -> tuple[int, int]:
    """Return rank and number of processes, from the environment unless they are given; ValueError if it does not tell."""
    given = {"RANK": rank, "WORLD_SIZE": world_size}
    for name in ENVIRONMENT:
        if given.get(name, -1) < 0 and name not in os.environ:
            raise ValueError(
                "init_process_group: Error initializing torch.distributed using env:// rendezvous: environment variable "
                f"{name} expected, but not set"
            )
    found = [number if number >= 0 else int(os.environ[name]) for name, number in given.items()]
    return found[0], found[1]


def require_told(rank: int, world_size: int, method: str) -> None:
    """Refuse numbers that were not given, or do not go together."""
    for name, number in (("rank", rank), ("world_size", world_size)):
        if number < 0:
            raise ValueError(f"init_process_group: using {method}:// rendezvous: {name} parameter missing")
    if not rank < world_size:
        raise ValueError(
            f"init_process_group: expected a rank below the number of processes, got rank {rank} of {world_size} "
            f"process{'es' if world_size > 1 else ''}"
        )


def of_one_machine(init_method: str | None, rank: int, world_size: int, timeout: timedelta) -> Transport:
    """Return the transport of processes that share memory; UnsupportedError if they are told to be on several machines."""
    address = init_method or "env://"
    if address == "env://":
        address = f"tcp://{os.environ.get('MASTER_ADDR', 'localhost')}:{os.environ.get('MASTER_PORT', '')}"
    method, _, place = address.partition("://")
    host = place.rpartition(":")[0] if method == "tcp" else "localhost"
    beyond = int(os.environ.get("LOCAL_WORLD_SIZE", world_size)) != world_size
    if beyond or not is_here(host):
        raise UnsupportedError(
            f"init_process_group: rank {rank} of {world_size} processes: those of several machines, with {host} the first, "
            'need MPI: init_process_group("mpi") under mpirun'
        )
    # a port alone tells runs apart: all names of this machine are one
    common = f"tcp://{place.rpartition(':')[2]}" if method == "tcp" else address
    begun = session.Session(common, rank, world_size, sharedmemory.nbytes_of(world_size), timeout)
    return sharedmemory.SharedMemory(begun, range(world_size), begun.start, timeout)


def is_here(host: str) -> bool:
    """Return whether an address is one of this machine's."""
    if host.strip("[]") in ("localhost", "127.0.0.1", "::1", "", socket.gethostname()):
        return True
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # only an address of this machine can be taken
            probe.bind(address)
    except OSError:
        return False
    return True
