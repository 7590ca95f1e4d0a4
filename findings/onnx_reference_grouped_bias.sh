#!/usr/bin/env bash
# onnx 1.23.2: the reference evaluator gives every group of a ConvTranspose the first group's bias. It goes through the groups with a
# bias that it does not cut, so that output channel c of group g gets B[c] instead of B[g · channels + c]. The operator's definition
# has one number for each output channel, and onnxruntime 1.32.0 follows it. Whoever holds an exporter to "the reference" finds a right file
# wrong; without groups, or without a bias, both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

shapes = {"X": [1, 2, 1], "W": [2, 1, 1], "B": [2]}
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 2, 1])
node = helper.make_node("ConvTranspose", list(shapes), ["Y"], group=2)
model = helper.make_model(helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
checker.check_model(model, full_check=True)
given = {"X": np.zeros((1, 2, 1), "f"), "W": np.ones((2, 1, 1), "f"), "B": np.array([10, 20], "f")}
reference = ReferenceEvaluator(model).run(None, given)[0].ravel()
runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, given)[0].ravel()
print("reference:", reference, " onnxruntime:", runtime)
assert runtime.tolist() == [10, 20]
assert reference.tolist() == [10, 10], "onnx has changed"
END
