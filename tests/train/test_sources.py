"""Data of one's own for `lineal train`: folders of images, tables, arrays, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from lineal.cli import main as entry
from lineal.train.networks import network
from lineal.train.sources import opened

RANDOM = np.random.default_rng(0)


def table(path, rows, head="a,b,kind"):
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(path)


def flowers(count=50):
    random = np.random.default_rng(0)
    made = [(index / 10, random.normal(), index % 2) for index in range(count)]
    return [f"{a:.2f},{b + 6 * kind:.3f},{('rose', 'tulip')[kind]}" for a, b, kind in made]


def images(folder, size=(6, 5), mode="L", per_class=6):
    image = pytest.importorskip("PIL.Image")
    for label, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            shape = (size[1], size[0], 3)[: 2 if mode == "L" else 3]
            pixels = RANDOM.integers(0, 100, shape) + 100 * label
            image.fromarray(pixels.astype(np.uint8), mode=None).save(folder / name / f"{number}.png")
    return str(folder)


def test_a_table_of_classes(tmp_path):
    source = opened(table(tmp_path / "t.csv", flowers()))
    assert source.classes == ("rose", "tulip")
    assert source.shape == (2,)
    inputs, targets = source.training.tensors
    assert inputs.mean(0).abs().max() < 1e-5
    assert sorted(set(targets.tolist())) == [0, 1]
    assert (len(source.training), len(source.test)) == (40, 10)


def test_a_table_of_numbers_and_a_named_column(tmp_path):
    numbers = table(tmp_path / "n.csv", [f"{a},{a * 0.5},{-(a % 2)}" for a in range(10)], "x,y,z")
    source = opened(numbers, "y")
    assert source.classes is None
    assert source.test.tensors[1].tolist() == [2.0, 4.5]
    assert opened(numbers, "z").classes == ("-1", "0")
    many = table(tmp_path / "m.csv", [f"{a},{a}" for a in range(150)], "x,y")
    assert opened(many).classes is None


def test_folders_of_images(tmp_path):
    source = opened(images(tmp_path / "one"))
    assert source.classes == ("dark", "light")
    assert source.shape == (1, 5, 6)
    assert (len(source.training), len(source.test)) == (10, 2)
    for part in ("train", "test"):
        images(tmp_path / "two" / part, mode="RGB", per_class=3)
    source = opened(str(tmp_path / "two"))
    assert source.shape == (3, 5, 6)
    assert len(source.test) == 6
    assert 0 <= source.training.tensors[0].min() < source.training.tensors[0].max() <= 1


def test_arrays(tmp_path):
    x, y = RANDOM.integers(0, 255, (30, 4, 4), dtype=np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", images=x, labels=y)
    source = opened(str(tmp_path / "a.npz"))
    assert source.classes == ("0", "1", "2")
    assert source.training.tensors[0].max() <= 1
    np.savez(tmp_path / "b.npz", x=x.astype("f"), y=y.astype("f"), x_test=x[:3].astype("f"), y_test=y[:3].astype("f"))
    source = opened(str(tmp_path / "b.npz"))
    assert (source.classes, len(source.training), len(source.test)) == (None, 30, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2,x", "1,y,x"], "expected a number in column 'b', line 3"),
        (["1,2,x", "1,2"], "line 3: expected 3 entries, got 2"),
        (["1,nan,x", "1,2,x"], "expected a number in column 'b', line 2 .* got nan"),
        (["1,2,x", "1,2,"], "expected a value in column 'kind', line 3"),
        (["1,2,x", "1,2,y"], "5 samples or more of a class"),
        ([], "and 0 rows"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        opened(table(tmp_path / "t.csv", rows))


def test_other_data_that_cannot_be_used(tmp_path):
    with pytest.raises(ValueError, match="there is no nowhere"):
        opened("nowhere")
    with pytest.raises(ValueError, match="expected a folder with images for each class"):
        opened(str(tmp_path))
    with pytest.raises(ValueError, match="target: expected one of the columns a, b, kind"):
        opened(table(tmp_path / "t.csv", flowers()), "colour")
    (tmp_path / "t.txt").write_text("")
    (tmp_path / "t.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"a \.csv or an \.npz file"):
        opened(str(tmp_path / "t.txt"))
    with pytest.raises(ValueError, match="cannot be read as npz"):
        opened(str(tmp_path / "t.npz"))
    np.savez(tmp_path / "u.npz", z=np.zeros(3))
    with pytest.raises(ValueError, match=r"expected an array 'x' in .* found z"):
        opened(str(tmp_path / "u.npz"))
    images(tmp_path / "pictures")
    (tmp_path / "pictures" / "dark" / "7.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"7\.png cannot be read as an image"):
        opened(str(tmp_path / "pictures"))


@pytest.mark.parametrize("name", ["mlp", "cnn", "linear"])
@pytest.mark.parametrize("shape", [(8, 8), (3, 9, 5)])
def test_networks_take_what_they_are_made_for(name, shape):
    model = network(name, shape, 4, (6, 5))
    assert model(opened("digits").training.tensors[0].new_zeros(2, *shape)).shape == (2, 4)


def test_a_cnn_takes_no_table():
    with pytest.raises(ValueError, match=r"cnn expects images .* got inputs \[7\]"):
        network("cnn", (7,), 2, (4,))


def test_the_command_trains_on_a_table(tmp_path, capsys):
    argv = ["train", "--data", table(tmp_path / "t.csv", flowers(100)), "--hidden", "8", "--epochs", "20", "--batch-size", "20"]
    argv += ["--lr", "0.05", "--quiet", "--no-plot", "--log", "csv", "--out", str(tmp_path / "out")]
    assert entry.main(argv) == 0
    found = capsys.readouterr().out
    assert float(found.split()[2]) >= 0.9
    assert len((tmp_path / "out" / "history.csv").read_text().splitlines()) == 21
    assert entry.main(["train", "--data", str(tmp_path / "none.csv")]) == 2


def test_the_command_makes_runs_for_several_seeds_and_finds_a_rate(tmp_path, capsys):
    argv = ["train", "--hidden", "8", "--batch-size", "500", "--no-plot", "--out", str(tmp_path)]
    assert entry.main([*argv, "--epochs", "1", "--seeds", "2"]) == 0
    assert " ± " in capsys.readouterr().out.splitlines()[0]
    assert entry.main([*argv, "--find-lr"]) == 0
    assert capsys.readouterr().out.startswith("learning rate")
