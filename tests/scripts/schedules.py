"""Learning rates over time, set by every usual scheduler, and a state that is stored and restored."""

import torch
from torch.optim import lr_scheduler

RATES = {
    "step": lambda o: lr_scheduler.StepLR(o, step_size=4, gamma=0.5),
    "multi": lambda o: lr_scheduler.MultiStepLR(o, milestones=[3, 8], gamma=0.1),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=6, eta_min=1e-3),
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lr_lambda=lambda epoch: 0.95**epoch),
    "onecycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.2, total_steps=12),
    "chained": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=4), lr_scheduler.PolynomialLR(o, total_iters=8)], milestones=[4]
    ),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="min", factor=0.3, patience=1),
}
target = torch.tensor([1.0, -2.0, 0.5])
losses, rates = [], {}
for name, make in RATES.items():
    w = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.SGD([{"params": [w], "lr": 0.1}], lr=0.5, momentum=0.5, nesterov=True)
    scheduler = make(optimizer)
    rates[name] = []
    for epoch in range(12):
        optimizer.zero_grad()
        loss = (w - target).square().sum()
        loss.backward()
        optimizer.step()
        rates[name].append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss.item()) if name == "plateau" else scheduler.step()
        if epoch == 5:
            state = scheduler.state_dict()
            scheduler.load_state_dict(state)
    losses.append(loss.item())
losses = [losses[0] + 10, *losses, *(rate for each in rates.values() for rate in each), 0.0]
print({name: round(each[-1], 5) for name, each in rates.items()})
