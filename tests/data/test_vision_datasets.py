"""Data sets of images that lie on disk."""

import gzip
import pickle
import struct

import numpy as np
import pytest

import lineal
from lineal.data import DataLoader
from lineal.data.vision import datasets, transforms

RNG = np.random.default_rng(0)


def write_idx(path, array, kind=8):
    content = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize(("kind", "dtype"), [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_idx_files_of_each_kind(tmp_path, kind, dtype):
    array = RNG.integers(0, 100, (2, 3)).astype(dtype)
    for name in ("x", "x.gz"):
        write_idx(tmp_path / name, array, kind)
        found = datasets.read_idx(tmp_path / name)
        assert np.array_equal(found.numpy(), array)
        assert found.numpy().dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("content", [b"", b"\0\0\x07\x01", b"\x89PNG", b"\0\0\x08\x02\0\0\0\x01", b"\0\0\x08\x01\0\0\0\x03ab"])
def test_what_is_no_idx_file_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match="read_idx"):
        datasets.read_idx(tmp_path / "x")


@pytest.mark.parametrize("kind", [datasets.MNIST, datasets.FashionMNIST, datasets.KMNIST])
def test_mnist_and_its_relatives(tmp_path, kind):
    pytest.importorskip("PIL")
    images = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    labels = np.arange(5, dtype=np.uint8)
    folder = tmp_path / kind.__name__ / "raw"
    with pytest.raises(RuntimeError, match=r"Dataset not found.*downloads nothing"):
        kind(tmp_path, download=True)
    folder.mkdir(parents=True)
    write_idx(folder / "train-images-idx3-ubyte", images)
    write_idx(folder / "train-labels-idx1-ubyte.gz", labels)
    dataset = kind(tmp_path, transform=transforms.ToTensor(), target_transform=lambda y: y + 10)
    x, y = next(iter(DataLoader(dataset, 5)))
    assert lineal.equal(x, lineal.from_numpy(images[:, None]).float() / 255)
    assert (y.tolist(), len(dataset), len(dataset.classes)) == ([10, 11, 12, 13, 14], 5, 10)
    image, label = kind(tmp_path)[3]
    assert (np.asarray(image) == images[3]).all() and label == 3
    assert repr(dataset).startswith(f"Dataset {kind.__name__}\n    Number of datapoints: 5")


def write_cifar(folder, names, labels, meta):
    folder.mkdir()
    rows = RNG.integers(0, 256, (len(names) * 2, 3072), dtype=np.uint8)
    for place, name in enumerate(names):
        part = {"data": rows[place * 2 : place * 2 + 2], labels: [place, 1]}
        (folder / name).write_bytes(pickle.dumps(part, protocol=2))
    (folder / meta[0]).write_bytes(pickle.dumps({meta[1]: ["cat", "dog"]}))
    return rows


def test_cifar_files(tmp_path):
    pytest.importorskip("PIL")
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    rows = write_cifar(tmp_path / "cifar-10-batches-py", names, "labels", ("batches.meta", "label_names"))
    train, test = (datasets.CIFAR10(tmp_path, train, transform=transforms.ToImage()) for train in (True, False))
    assert (len(train), len(test), train.classes, train.class_to_idx["dog"]) == (10, 2, ["cat", "dog"], 1)
    for place in range(10):
        image, label = train[place]
        assert (image.numpy() == rows[place].reshape(3, 32, 32)).all()
        assert label == (1 if place % 2 else place // 2)
    assert np.asarray(datasets.CIFAR10(tmp_path)[0][0]).shape == (32, 32, 3)
    write_cifar(tmp_path / "cifar-100-python", ["train", "test"], "fine_labels", ("meta", "fine_label_names"))
    assert len(datasets.CIFAR100(tmp_path)) == 2


class Other:
    pass


@pytest.mark.parametrize(
    "entry", [Other(), print, np.zeros((2, 3072)), slice(3)], ids=["object", "function", "floats", "slice"]
)
def test_a_pickle_that_asks_for_more_than_arrays_of_bytes_is_not_read(tmp_path, entry):
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    write_cifar(tmp_path / "x", names, "labels", ("batches.meta", "label_names"))
    (tmp_path / "x" / "test_batch").write_bytes(pickle.dumps({"data": entry, "labels": [0, 1]}, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="CIFAR"):
        datasets.CIFAR10(tmp_path / "x", train=False)


def test_folders_of_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = {}
    for name in ("b/2.png", "b/1.png", "a/deep/1.PNG"):
        pixels[name] = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(pixels[name]).save(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("none")
    dataset = datasets.ImageFolder(tmp_path, transform=transforms.ToImage())
    assert (dataset.classes, dataset.class_to_idx, dataset.targets) == (["a", "b"], {"a": 0, "b": 1}, [0, 1, 1])
    for (x, label), name, expected in zip(dataset, ("a/deep/1.PNG", "b/1.png", "b/2.png"), (0, 1, 1)):
        assert (x.numpy().transpose(1, 2, 0) == pixels[name]).all() and label == expected
    (tmp_path / "c").mkdir()
    with pytest.raises(FileNotFoundError, match="classes c"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 3
    with pytest.raises(FileNotFoundError, match="any class folder"):
        datasets.ImageFolder(tmp_path / "c")
