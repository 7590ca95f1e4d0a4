"""Trace by doing: what an op does may not depend on who listens, but in these places, for these reasons."""

from __future__ import annotations

import ast
from pathlib import Path

import lineal

ROOT = Path(lineal.__file__).parent
LAYERS = ("core", "tracing", "transforms", "compiler")
"""Whose business recorders are."""

TELLS = "only tells the recorder something"
LARGE = "one pass over a large array, of numbers that equal those of the ops that a trace holds"
NUMBERS = "what was found in these numbers would be taken to hold for others that a trace sees"
UNFORMED = "an inverse that nobody has looked at is no op yet"

OTHERS = "whose optimizer this is wants to know"
PLAIN = "a plain write of few elements, which is told as ops"
PLACE = "a place that a number of a tensor decides is not a place for other numbers"

REASONS = {
    "amp/grad_scaler.py:update": TELLS,
    "ops/autocasting.py:cast": "a copy that was made while somebody listened is a variable of the trace",
    "distributed/performing.py:begun": "what ranks do together is an effect of a trace; eager code does it on the arrays",
    "nn/calling.py:__call__": TELLS,
    "nn/calling.py:_call_impl": TELLS,
    "nn/functional/attention.py:scaled_dot_product_attention": "a small one is one op in eager code alone",
    "nn/functional/lookup.py:sparse_rows_of": TELLS,
    "nn/functional/directions.py:is_told_layers": "a file of ONNX has an operator for a layer: any number of steps",
    "nn/functional/directions.py:is_told_loops": "a layer's loop is one op of a trace: its turns are known to be equal",
    "nn/functional/directions.py:through_layer": "a loop of steps as a native program; a listener hears of the steps' ops",
    "nn/sharded/units.py:called": "a program plans itself what it keeps; eager code packs what a later pass can gather again",
    "nn/utils/clipping.py:multiplied": LARGE,
    "nn/utils/parametrize.py:get": TELLS,
    "nn/utils/parametrize.py:parametrized": TELLS,
    "nn/watching.py:pass_through": TELLS,
    "ops/indexing/basic.py:slice_item": TELLS,
    "ops/indexing/changing.py:change": PLAIN,
    "ops/indexing/reading.py:tensor_pick": PLACE,
    "ops/indexing/subscript.py:looked": PLACE,
    "ops/indexing/subscript.py:put_plan": PLAIN,
    "ops/indexing/subscript.py:written_plainly": PLAIN,
    "ops/linalg/cofactors.py:vjp": NUMBERS,
    "ops/linalg/conditioning.py:watched": TELLS,
    "ops/linalg/determinants.py:lone": NUMBERS,
    "ops/linalg/determinants.py:vjp": "a program solves by factors, which is slower than NumPy's loop over a stack",
    "ops/linalg/eig.py:eigvals": "values alone have no derivative, which a trace may be asked for later",
    "ops/linalg/expectations.py:expect_contained": TELLS,
    "ops/linalg/inverses.py:inv": UNFORMED,
    "ops/linalg/least_squares.py:vjp": NUMBERS,
    "ops/linalg/matrices.py:read_numbers": TELLS,
    "ops/linalg/solving.py:expect_modest": TELLS,
    "ops/linalg/solving.py:lone": "a program solves by factors, which it may share, and judges by probes of its own",
    "ops/linalg/solving.py:noted": NUMBERS,
    "ops/linalg/structure.py:factored": NUMBERS,
    "ops/overwriting.py:overwritten": LARGE,
    "ops/premise.py:expect": TELLS,
    "ops/premise.py:rely": TELLS,
    "ops/premise.py:rely_on": TELLS,
    "ops/promotion.py:broadcast": "NumPy broadcasts constants, where a trace needs an op that may be differentiated",
    "ops/random/generator.py:draw": TELLS,
    "ops/random/generator.py:drawn": TELLS,
    "ops/reductions/front.py:is_one_op": LARGE,
    "ops/contraction/products.py:vjp": LARGE,
    "ops/reductions/products.py:divides": NUMBERS,
    "ops/reductions/recurrences.py:quickly": NUMBERS,
    "ops/reductions/terms.py:vjp": "NumPy broadcasts constants, where a trace needs an op that may be differentiated",
    "ops/structural/padding.py:pad": "one copy, of numbers that equal those of the ops that a trace holds",
    "ops/reductions/normalisation.py:vjp": LARGE,
    "optim/change.py:apart": LARGE,
    "optim/change.py:in_one_loop": LARGE,
    "optim/change.py:unheard": "a number is the same in both; a dozen ops on it take longer than a small update",
    "optim/grouped.py:left_to_do": LARGE,
    "optim/hooks.py:tell": TELLS,
    "optim/lbfgs.py:step": TELLS,
    "optim/optimizer.py:_heard_": TELLS,
    "optim/swa_utils.py:move": LARGE,
    "overrides.py:__enter__": TELLS,
    "porting/internals.py:_are_functorch_transforms_active": OTHERS,
    "porting/optimizers.py:_get_value": OTHERS,
    "porting/optimizers.py:_stack_if_compiling": OTHERS,
    "solvers/distributed/rows.py:product": "what ranks do together is an effect of a trace; eager code begins it early",
    "solvers/solving.py:read": TELLS,
    "sparse/compressed.py:numbers": TELLS,
    "tensors/autograd_methods.py:get_grad": TELLS,
    "tensors/autograd_methods.py:put_grad": TELLS,
    "tensors/conversion_methods.py:concretize": TELLS,
    "tensors/interop.py:noticed": TELLS,
    "tensors/interop.py:numpy": TELLS,
    "tensors/inverted.py:fits": UNFORMED,
    "tensors/overriding.py:convert": TELLS,
    "tensors/placing.py:set_": TELLS,
    "tensors/relocation.py:move": TELLS,
    "tensors/tensor.py:data": TELLS,
}


def places() -> set[str]:
    """Return the functions outside of the layers that ask who listens."""
    found = set()
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT)
        if name.parts[0] in LAYERS:
            continue
        text = path.read_text(encoding="utf-8")
        if "recorder" not in text:
            continue
        tree = ast.parse(text)
        names = {"recorder.get"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith("recorder.get"):
                names |= {ast.unparse(each) for each in node.targets}
        for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
            calls = (each for each in ast.walk(function) if isinstance(each, ast.Call))
            if any(ast.unparse(each.func).endswith(tuple(names)) for each in calls):
                found.add(f"{name.as_posix()}:{function.name}")
    return found


def test_who_asks_who_listens_has_a_reason():
    assert places() == REASONS.keys()
