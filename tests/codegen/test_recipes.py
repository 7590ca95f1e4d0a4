"""Recipes: what tells whether code was written before."""

import os

from lineal.codegen import recipes, target
from lineal.codegen.cache import Cache
from lineal.codegen.contract.problem import converted
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.formulas import Number, formula_of
from lineal.codegen.kinds import float32, float64, int64


def test_formulas_of_other_kinds_or_numbers_are_spelled_otherwise():
    scaled = lambda kind, by: (formula_of(lambda m, x, by: x * by, (kind, kind)), Number(by))
    every = [scaled(float32, 0.0), scaled(float64, 0.0), scaled(float32, -0.0), scaled(float32, 0), converted(float32, float64)]
    assert len({recipes.spelled(each) for each in every}) == len(every)
    assert recipes.spelled(scaled(float32, 1.5)) == recipes.spelled(scaled(float32, 1.5))


def test_a_source_that_changes_is_another_recipe(tmp_path, monkeypatch):
    source = tmp_path / "codegen" / "inner" / "one.py"
    source.parent.mkdir(parents=True)
    source.write_text("x = 1")
    monkeypatch.setattr(recipes, "SOURCES", (tmp_path / "codegen", tmp_path / "absent"))
    state = recipes.sources.__wrapped__
    before = state()
    assert before is not None and state() == before
    os.utime(source, ns=(0, 1))
    assert state() != before
    source.unlink()
    assert state() is None


def test_what_a_recipe_has_come_to_is_found_without_being_written(tmp_path):
    e = Emitter()
    with e.function("f", [("x", int64)], int64) as (x,):
        e.ret(x + 41)
    first = Engine(target.host(), Cache(tmp_path))
    assert first.recalled("f, 41") is None
    made = first.compile(e)
    first.remember("f, 41", e)
    assert Engine(target.host(), Cache(tmp_path)).recalled("f, 41") == made
    assert first.recalled("f, 42") is None and first.recalled(None) is None
    # an object that is gone is made again
    first.cache.path(first.key(e.text())).unlink()
    assert first.recalled("f, 41") is None
