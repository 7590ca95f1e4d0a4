"""Storages do what PyTorch's do: memory that grows and comes back, storages under tensors, typed ones, files."""

import pytest
from reference import subject, torch

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")]


def storage_of(library):
    """Return the class of untyped storages, and the module of typed ones."""
    if library is torch:
        return torch.UntypedStorage, torch
    return subject.tensors.storages.UntypedStorage, subject.tensors.typedstorages


def grown(library, path):
    x = library.arange(4.0)
    view, storage = x[1:], x.untyped_storage()
    storage.resize_(32)
    x[2] = 9
    return view.tolist(), storage.nbytes(), view.untyped_storage().nbytes(), view.data_ptr() - x.data_ptr()


def freed_and_back(library, path):
    x = library.arange(4.0)
    storage = x.untyped_storage()
    storage.resize_(0)
    gone = storage.nbytes(), tuple(x.shape)
    storage.resize_(16)
    storage.copy_(library.ones(4).untyped_storage())
    return gone, x.tolist()


def grown_through_a_view(library, path):
    x = library.arange(4.0)
    view = x[1:].resize_(6)
    view[0] = 9
    return x.tolist(), view[:3].tolist(), view.untyped_storage() == x.untyped_storage(), x.untyped_storage().nbytes()


def placed(library, path):
    made, typed = storage_of(library)
    x = library.zeros(0).set_(made(16).fill_(0), 3, (2,), (1,))
    y = library.zeros(0).set_(library.arange(6.0), 1, (2,), (2,))
    z = library.zeros(0).set_(typed.FloatStorage([1, 2]))
    return x.untyped_storage().nbytes(), x.storage_offset(), y.tolist(), z.tolist(), library.zeros(0).set_(made(7)).shape[0]


def typed_ones(library, path):
    made, typed = storage_of(library)
    row = typed.LongStorage([1, 2])
    kinds = isinstance(row, typed.LongStorage), isinstance(row, typed.FloatStorage), isinstance(row, made)
    twice = typed.TypedStorage(wrap_storage=made([1, 0, 0, 0]), dtype=library.int32)
    return kinds, row.type(), row.double().type(), row.float().tolist(), twice.tolist(), len(row), row.nbytes(), repr(row)


def files(library, path):
    made, typed = storage_of(library)
    made.from_file(str(path), True, 8).fill_(3)
    private = made.from_file(str(path), False, 4)
    private.fill_(0)
    return path.read_bytes(), private.tolist(), typed.FloatStorage.from_file(str(path), False, 2).size()


def refused(library, path):
    made, _ = storage_of(library)
    kinds = []
    for wrong in (
        lambda: made(3).copy_(made(4)),
        lambda: library.zeros(0).set_(made(16), -1, (2,), (1,)),
        lambda: library.zeros(0).set_(made(16), 1, (2,), (-1,)),
        lambda: library.zeros(0).set_(library.arange(3)),
        lambda: library.ones(2).resize_(-1),
        lambda: library.ones(2).storage()[0:1],
        lambda: library.ones(2, requires_grad=True).resize_(3),
    ):
        try:
            wrong()
        except Exception as error:
            kinds.append(type(error).__name__)
    return kinds


PROGRAMS = [grown, freed_and_back, grown_through_a_view, placed, typed_ones, files, refused]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_storages_do_what_those_of_pytorch_do(program, tmp_path):
    assert program(subject, tmp_path / "ours") == program(torch, tmp_path / "theirs")
