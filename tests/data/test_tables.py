"""Data sets of columns, and what they are read from."""

import math

import numpy as np
import pytest

import lineal
from lineal import data


def test_columns_are_collated_at_once_and_item_by_item_to_the_same():
    table = data.TableDataset({"x": lineal.arange(10.0).reshape(5, 2), "y": lineal.arange(5), "name": list("abcde")})
    assert (len(table), table[1]["name"], table[1]["x"].tolist()) == (5, "b", [2.0, 3.0])
    items = [table[n] for n in range(5)]
    for fast, slow in zip(
        data.DataLoader(data.Subset(table, [4, 0, 2]), 2), data.DataLoader([items[4], items[0], items[2]], 2)
    ):
        assert fast["name"] == slow["name"]
        assert lineal.equal(fast["x"], slow["x"]) and lineal.equal(fast["y"], slow["y"])
    with pytest.raises(ValueError, match="one length"):
        data.TableDataset({"x": [1], "y": [1, 2]})


def test_csv_files(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('id,width,label,note\n1,0.5,2,"a, b"\n\n-2,,3,\n3,1e3,+4,c\n', encoding="utf-8-sig")
    table = data.read_csv(path)
    assert table.columns["id"].tolist() == [1, -2, 3] and table.columns["id"].dtype == lineal.int64
    width = table.columns["width"].tolist()
    assert (width[0], math.isnan(width[1]), width[2]) == (0.5, True, 1000.0)
    assert table.columns["note"] == ["a, b", "", "c"]
    assert table.matrix("id", "label").tolist() == [[1, 2], [-2, 3], [3, 4]]
    pairs = data.TableDataset({name: table.columns[name] for name in ("id", "label")}).pairs("label")
    assert [each.tolist() for each in pairs[2]] == [[3.0], 4]
    with pytest.raises(TypeError, match="note"):
        table.matrix()
    path.write_text("1;2\n3;4_0\n")
    assert data.read_csv(path, ["a", "b"], ";").columns["b"] == ["2", "4_0"]
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match="line 3: expected 2 entries, got 1"):
        data.read_csv(path)
    path.write_text(f"a\n{1 << 70}\n")
    assert data.read_csv(path).columns["a"].dtype == lineal.float32
    for text in ("", "a,a\n1,2\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="read_csv"):
            data.read_csv(path)


def test_numpy_files(tmp_path):
    array = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", a=array, b=array[0].astype(np.int16))
    mapped = data.read_npy(tmp_path / "x.npy")
    assert isinstance(mapped.numpy().base, np.memmap) or isinstance(mapped.numpy(), np.memmap)
    batches = list(data.DataLoader(data.TensorDataset(mapped), 3, num_workers=1))
    assert [batch[0].tolist() for batch in batches] == [array[:3].tolist(), array[3:].tolist()]
    mapped.zero_()
    assert data.read_npy(tmp_path / "x.npy", mmap=False).tolist() == array.tolist()
    found = data.read_npz(tmp_path / "x.npz")
    assert (found["a"].tolist(), found["b"].dtype) == (array.tolist(), lineal.int16)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        data.read_npy(tmp_path / "objects.npy")


COLUMNS = {
    "whole": [1, 2, 3],
    "real": [1.5, None, 2.5],
    "truth": [True, False, True],
    "pairs": [[1, 2], [3, 4], [5, 6]],
    "ragged": [[1], [], [2, 3]],
    "planes": [[[1.0], [2.0]]] * 3,
    "text": ["a", None, "c"],
    "record": [{"k": 1}, {"k": 2}, {"k": 3}],
}


def expect_columns(table):
    whole, real = table.columns["whole"], table.columns["real"].tolist()
    assert (whole.tolist(), whole.dtype) == ([1, 2, 3], lineal.int64)
    assert (real[0], math.isnan(real[1]), real[2]) == (1.5, True, 2.5)
    assert table.columns["truth"].tolist() == COLUMNS["truth"]
    assert table.columns["pairs"].tolist() == COLUMNS["pairs"]
    assert table.columns["planes"].shape == (3, 2, 1)
    for name in ("ragged", "text", "record"):
        assert list(table.columns[name]) == COLUMNS[name]


def test_arrow_tables_and_parquet_files(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table(COLUMNS)
    expect_columns(data.from_arrow(table))
    expect_columns(data.from_arrow(arrow.concat_tables([table[:1], table[1:]])))
    sliced = data.from_arrow(table[1:], ["whole", "pairs", "ragged"])
    assert sliced.columns["pairs"].tolist() == COLUMNS["pairs"][1:]
    assert list(sliced.columns["ragged"]) == COLUMNS["ragged"][1:]
    parquet.write_table(table, tmp_path / "x.parquet")
    expect_columns(data.read_parquet(tmp_path / "x.parquet"))
    assert list(data.read_parquet(tmp_path / "x.parquet", ["text"]).columns) == ["text"]
    fixed = arrow.array(COLUMNS["pairs"], arrow.list_(arrow.float32(), 2))
    assert data.from_arrow(arrow.table({"x": fixed[1:]})).columns["x"].tolist() == [[3, 4], [5, 6]]
    with pytest.raises(ValueError, match=r"'x'.*1 gaps"):
        data.from_arrow(arrow.table({"x": [1, None]}))
    with pytest.raises(TypeError, match="from_arrow"):
        data.from_arrow([1])


def test_data_sets_of_hugging_face():
    arrow, datasets = pytest.importorskip("pyarrow"), pytest.importorskip("datasets")
    # with fingerprints, which it would else make of pickles
    whole = datasets.Dataset(datasets.table.InMemoryTable(arrow.table(COLUMNS)), fingerprint="whole")
    expect_columns(data.from_arrow(whole))
    part = data.from_arrow(whole.select([2, 0], new_fingerprint="part"), ["whole", "text"])
    assert (part.columns["whole"].tolist(), list(part.columns["text"])) == ([3, 1], ["c", "a"])
