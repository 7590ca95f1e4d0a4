"""What a module holds, how it is walked, converted, copied and printed."""

import copy

import pytest

import lineal
from lineal import nn


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(lineal.ones(2))
        self.inner = nn.Linear(2, 3)
        self.register_buffer("seen", lineal.zeros(1))
        self.register_buffer("scratch", lineal.zeros(1), persistent=False)

    def forward(self, x):
        return self.inner(self.slope * x)


def test_members_are_listed_with_dotted_names_and_only_once():
    model = Line()
    model.again = model.inner
    assert [name for name, _ in model.named_parameters()] == ["slope", "inner.weight", "inner.bias"]
    assert [name for name, _ in model.named_parameters("m", recurse=False)] == ["m.slope"]
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    assert names == ["slope", "inner.weight", "inner.bias", "again.weight", "again.bias"]
    assert [name for name, _ in model.named_buffers()] == ["seen", "scratch"]
    assert [name for name, _ in model.named_modules()] == ["", "inner"]
    assert list(model.children()) == [model.inner]
    assert list(model.modules()) == [model, model.inner]
    assert len(list(model.buffers())) == 2


def test_assignment_moves_a_name_between_the_tables():
    model = Line()
    model.inner = None
    assert model.inner is None
    assert list(model.children()) == []
    model.plain = 3
    model.plain = nn.Parameter(lineal.ones(1))
    assert "plain" not in vars(model)
    model.plain = nn.ReLU()
    assert [name for name, _ in model.named_parameters()] == ["slope"]
    assert isinstance(model.plain, nn.ReLU)
    model.seen = lineal.ones(4)
    assert dict(model.named_buffers())["seen"].shape == (4,)
    del model.seen, model.slope, model.plain
    assert list(model.parameters()) == []
    with pytest.raises(AttributeError, match="slope"):
        _ = model.slope


def test_refused_members():
    model = Line()
    with pytest.raises(TypeError, match="Parameter or None"):
        model.slope = lineal.ones(2)
    with pytest.raises(TypeError, match="Module or None"):
        model.inner = 3
    with pytest.raises(TypeError, match="Tensor or None"):
        model.seen = 3
    with pytest.raises(KeyError, match="already exists"):
        model.register_buffer("slope", None)
    with pytest.raises(KeyError, match=r'contain "\."'):
        model.register_parameter("a.b", None)
    with pytest.raises(KeyError, match="empty string"):
        model.add_module("", nn.ReLU())
    with pytest.raises(TypeError, match="not a Module subclass"):
        model.add_module("x", 3)
    with pytest.raises(TypeError, match="should be a string"):
        model.register_buffer(3, None)
    with pytest.raises(TypeError, match="Parameter or None"):
        model.register_parameter("q", model.slope * 2)


@pytest.mark.parametrize("value", [lambda: nn.Parameter(lineal.ones(1)), lambda: nn.ReLU()])
def test_members_before_init_are_refused(value):
    class Early(nn.Module):
        def __init__(self):
            self.member = value()

    with pytest.raises(AttributeError, match=r"before Module\.__init__\(\) call"):
        Early()


def test_train_eval_and_apply_reach_every_depth():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert model.eval() is model
    assert [each.training for each in model.modules()] == [False] * 4
    model.train()
    assert all(each.training for each in model.modules())
    visited = []
    model.apply(visited.append)
    assert visited[-1] is model
    assert len(visited) == 4
    with pytest.raises(ValueError, match="bool"):
        model.train("yes")


def test_requires_grad_and_zero_grad():
    model = Line()
    model(lineal.ones(2)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad(set_to_none=False)
    assert all(not parameter.grad.any() for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())
    model.requires_grad_(False)
    assert not model(lineal.ones(2)).requires_grad


def test_conversion_keeps_the_objects_and_converts_grads():
    model = Line()
    model.register_buffer("count", lineal.zeros(1, dtype=lineal.int64))
    slope = model.slope
    model(lineal.ones(2)).sum().backward()
    grad = slope.grad.clone()
    assert model.double() is model
    assert model.slope is slope
    assert slope.dtype == slope.grad.dtype == model.seen.dtype == lineal.float64
    assert model.count.dtype == lineal.int64
    assert lineal.equal(slope.grad, grad.double())
    assert model(lineal.ones(2, dtype=lineal.float64)).dtype == lineal.float64
    assert model.to(lineal.float32).inner.weight.dtype == lineal.float32
    assert model.half().slope.dtype == lineal.float16
    assert model.bfloat16().slope.dtype == lineal.bfloat16
    assert model.to("cpu", lineal.float64).seen.dtype == lineal.float64
    assert model.to(lineal.zeros(1)).slope.dtype == lineal.float32
    with pytest.raises(TypeError, match="floating point or complex"):
        model.to(lineal.int32)


def test_lookup_by_dotted_name():
    model = nn.Sequential(Line())
    assert model.get_submodule("") is model
    assert model.get_submodule("0.inner") is model[0].inner
    assert model.get_parameter("0.inner.bias") is model[0].inner.bias
    assert model.get_buffer("0.seen") is model[0].seen
    model.set_submodule("0.inner", nn.Identity())
    assert isinstance(model[0].inner, nn.Identity)
    for call, name in [
        (model.get_submodule, "0.missing"),
        (model.get_parameter, "0.seen"),
        (model.get_buffer, "0.slope"),
        (model.get_parameter, "0.inner.weight"),
    ]:
        with pytest.raises(AttributeError):
            call(name)


def test_deep_copies_are_independent():
    model = Line()
    twin = copy.deepcopy(model)
    assert isinstance(twin.slope, nn.Parameter)
    assert twin.slope.requires_grad
    with lineal.no_grad():
        twin.slope.add_(1)
    assert model.slope.tolist() == [1.0, 1.0]
    assert twin.slope.tolist() == [2.0, 2.0]


def test_the_missing_forward_is_named():
    with pytest.raises(NotImplementedError, match=r'Module .* is missing the required "forward" function'):
        nn.Module()(1)


def test_representation():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 3, bias=False), nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Linear(in_features=2, out_features=3, bias=False)\n"
        "  (2): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        ")"
    )


def test_parameters():
    parameter = nn.Parameter(lineal.tensor([1.0, 2.0]))
    assert repr(parameter) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert parameter.is_leaf
    assert isinstance(parameter, lineal.Tensor)
    assert not isinstance(parameter * 2, nn.Parameter)
    assert not nn.Parameter(lineal.ones(1), requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    with pytest.raises(RuntimeError, match="floating point and complex"):
        nn.Parameter(lineal.ones(1, dtype=lineal.int64))


def test_a_parameter_shares_the_memory_of_its_data():
    data = lineal.zeros(2)
    parameter = nn.Parameter(data)
    with lineal.no_grad():
        parameter.add_(1)
    assert data.tolist() == [1.0, 1.0]


def test_arguments_for_the_next_of_several_classes():
    class Named:
        def __init__(self, name):
            self.name = name

    class Both(nn.Module, Named):
        call_super_init = True

        def __init__(self, name):
            super().__init__(name)

    assert Both("a").name == "a"
    with pytest.raises(TypeError, match=r"Tanh.__init__\(\) takes 1 positional argument but 2 were given"):
        nn.Tanh(1)
    with pytest.raises(TypeError, match=r"Tanh.__init__\(\) got an unexpected keyword argument 'dim'"):
        nn.Tanh(dim=1)
