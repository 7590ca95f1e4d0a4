"""What optimizers are compared on: options, gradients that everybody gets, and the way of a state into the other library."""

import numpy as np

OPTIONS = {
    "SGD": [
        {},
        {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True, "maximize": True},
        {"foreach": True, "weight_decay": 0.1},
    ],
    "Adam": [
        {},
        {"weight_decay": 0.1, "amsgrad": True},
        {"betas": (0.4, 0.6), "eps": 0.1, "maximize": True},
        {"foreach": True},
    ],
    "AdamW": [{}, {"weight_decay": 0.1, "amsgrad": True}, {"maximize": True}],
    "Adagrad": [{}, {"lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}],
    "RMSprop": [{}, {"alpha": 0.5, "weight_decay": 0.1, "centered": True, "maximize": True}, {"momentum": 0.9, "eps": 0.1}],
    "Adadelta": [{}, {"rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}, {"maximize": True, "foreach": True}],
    "Adamax": [{}, {"betas": (0.4, 0.6), "eps": 0.1, "weight_decay": 0.1}, {"maximize": True, "foreach": True}],
    "NAdam": [
        {},
        {"weight_decay": 0.1, "momentum_decay": 0.1},
        {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        {},
        {"weight_decay": 0.1, "betas": (0.4, 0.6)},
        {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)}, {"maximize": True}],
    "ASGD": [{}, {"lambd": 0.1, "t0": 5.0, "weight_decay": 0.1}, {"alpha": 0.5, "t0": 20.0, "maximize": True}],
    "Adafactor": [{}, {"weight_decay": 0.1, "d": 2.0, "eps": (1e-6, 1e-2)}, {"beta2_decay": -0.5, "maximize": True}],
    "Muon": [{}, {"nesterov": False, "weight_decay": 0.0}, {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}],
}
CASES = [(name, {"lr": 0.02, **options}) for name, several in OPTIONS.items() for options in several]
LIVE = sorted(OPTIONS)
SHAPES = {"Muon": [(5, 4), (3, 6)]}


class Course:
    """An optimizer of a library's on the way: all libraries see the same gradients."""

    def __init__(self, library, name, options, dtype):
        random = np.random.default_rng(0)
        self.library, self.dtype = library, dtype
        shapes = SHAPES.get(name, [(5, 4), (3,), (2, 3, 2), ()])
        self.steps = [[self.draw(random, shape) for shape in shapes] for _ in range(50)]
        self.parameters = [library.from_numpy(self.draw(random, shape)).requires_grad_() for shape in shapes]
        half = len(shapes) // 2
        groups = [{"params": self.parameters[:half]}, {"params": self.parameters[half:], "lr": 0.05}]
        self.optimizer = getattr(library.optim, name)(groups, **options)

    def draw(self, random, shape):
        parts = random.normal(size=(2, *shape))
        return np.asarray(parts[0] + 1j * parts[1] if self.dtype.startswith("complex") else parts[0], dtype=self.dtype)

    def walk(self, steps, start=0):
        for grads in self.steps[start : start + steps]:
            for parameter, grad in zip(self.parameters, grads):
                parameter.grad = self.library.from_numpy(grad.copy())
            self.optimizer.step()

    def take(self, other):
        """Go on from where another library's course is."""
        for mine, given in zip(self.parameters, other.parameters):
            mine.data.copy_(self.library.from_numpy(given.detach().numpy().copy()))
        self.optimizer.load_state_dict(self.carried(other.optimizer.state_dict()))

    def carried(self, value):
        if isinstance(value, dict):
            return {key: self.carried(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)([self.carried(each) for each in value])
        return self.library.from_numpy(value.numpy().copy()) if hasattr(value, "numpy") else value
