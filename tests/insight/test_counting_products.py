"""`utils.flop_counter`: what PyTorch counts, forward and back, by module."""

import lineal
from lineal import nn
from lineal.utils.flop_counter import FlopCounterMode


def test_products_are_counted_by_module_forward_and_back(capsys):
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    counter = FlopCounterMode()
    with counter:
        loss = model(lineal.randn(2, 3, 8, 8)).sum()
    forward = {"Global": 75776, "Sequential": 75776, "Sequential.0": 55296, "Sequential.3": 20480}
    assert {name: sum(each.values()) for name, each in counter.get_flop_counts().items()} == forward
    assert "Sequential.0" in capsys.readouterr().out
    with FlopCounterMode(display=False) as again:
        loss.backward()
    assert again.get_total_flops() == 55296 + 2 * 20480 and counter.get_total_flops() == 75776
    with FlopCounterMode(display=False) as outline:
        model.to("meta")(lineal.empty(2, 3, 8, 8, device="meta"))
    assert outline.get_total_flops() == 75776
