"""The parts of torchmetrics that need only tensors, on lineal."""

from __future__ import annotations

import copy
import pickle

import torch  # isort: skip
import torchmetrics as tm  # isort: skip

labels, found = torch.tensor([0, 1, 2, 1]), torch.tensor([0, 2, 2, 1])
several = {"task": "multiclass", "num_classes": 3}
assert tm.Accuracy(**several, average="micro")(found, labels).item() == 0.75
assert tm.ConfusionMatrix(**several)(found, labels).tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
assert abs(tm.F1Score(**several, average="macro")(found, labels).item() - 7 / 9) < 1e-6
chances, truth = torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1])
assert tm.AUROC(task="binary")(chances, truth).item() == 0.75
error = tm.MeanSquaredError()
for part in (slice(2), slice(2, 4)):
    error.update(chances[part], truth[part].float())
again = pickle.loads(pickle.dumps(copy.deepcopy(error)))
assert torch.equal(error.compute(), again.compute())
both = tm.MetricCollection([tm.MeanSquaredError(), tm.PearsonCorrCoef()])(chances, truth.float())
assert torch.allclose(both["MeanSquaredError"], error.compute())
assert tm.KendallRankCorrCoef()(chances, chances).item() == 1
print("torchmetrics works")
