"""Every op of tier 1 against PyTorch's sample inputs: values, first and second gradients, forms, refusals."""

import pytest
from names import FAMILY_OF
from reference import dtypes_of, full_name, op_db
from report import findings

pytestmark = pytest.mark.parity

OPS = sorted((op for op in op_db if op.name in FAMILY_OF and op.dtypes), key=full_name)


@pytest.mark.parametrize("op", OPS, ids=full_name)
def test_op_agrees(op):
    found = findings(op, dtypes_of(op))
    failed = [f"[{one.dtype} {one.kind}] {one.call}: {one.message}" for one in found if one.status == "fail"]
    assert not failed, "\n".join(failed[:10])
    assert any(one.status in ("ok", "meant") for one in found), "no check of this op ran"
