#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU): Sigmoid in float32 has no left tail. At -10 four digits are left, at -15 it is a sixth off, and from -20 on it
# is 0, where the value, nearly exp(x), goes down to 1e-38 at -87 and float32 holds it; the error is absolute, about 5e-8. PyTorch, NumPy
# and onnx's own reference keep the tail. log(Sigmoid(x)) of an exported model is then wrong or -inf for confident scores, and a
# comparison with the framework by relative error fails there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])
graph = helper.make_graph([helper.make_node("Sigmoid", ["X"], ["Y"])], "g", [value("X")], [value("Y")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
x = np.array([-5, -10, -15, -20, -30, -50, -80], "f")
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
found, exact = session.run(None, {"X": x})[0], 1 / (1 + np.exp(-x.astype("d")))
for at, one, other in zip(x, found, exact):
    print(f"{at:5.0f}: {one:.3e}, exactly {other:.3e}")
wrong = np.abs(found / exact - 1)
assert wrong[0] < 1e-4 and wrong[-3:].min() > 0.5, "onnxruntime has changed"
END
