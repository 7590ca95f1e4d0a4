"""Places where a number can lie × ways of writing its use × changes of it: what a compiled function gives is never old."""

import itertools
import random
import warnings

import pytest
from test_python_state import equal, outcome, world

import lineal

# how it comes about, how it is read, changes
PLACES = {
    "global": ("S = 2.0", "S", ["S = 3.0", "S = 6.0"]),
    "dict": ("D = {'a': 2.0, 'b': [4.0]}", "D['a']", ["D['a'] = 3.0", "D = {'a': 6.0}"]),
    "list in a dict": ("D = {'b': [4.0]}", "D['b'][0]", ["D['b'][0] = 3.0", "D['b'] = [6.0]", "D['b'].insert(0, 7.0)"]),
    "object": ("o = Box(s=2.0)", "o.s", ["o.s = 3.0", "o = Box(s=6.0)", "vars(o)['s'] = 7.0"]),
    "object in an object": ("o = Box(t=Box(u=2.0))", "o.t.u", ["o.t.u = 3.0", "o.t = Box(u=6.0)"]),
    "absent": ("o = Box()", "getattr(o, 's', 1.0)", ["o.s = 3.0", "o.__dict__.clear()"]),
    "class": ("class C: s = 2.0\nc = C()", "c.s", ["C.s = 3.0", "c.s = 6.0"]),
    "base": ("class A: s = 2.0\nclass B(A): pass\nb = B()", "b.s", ["A.s = 3.0", "B.s = 6.0", "b.s = 7.0"]),
    "property": (
        "class C:\n u = 2.0\n @property\n def s(self): return self.u\nc = C()",
        "c.s",
        ["c.u = 3.0", "C.s = property(lambda self: 6.0)"],
    ),
    "slot": ("class C:\n __slots__ = ('s',)\nc = C(); c.s = 2.0", "c.s", ["c.s = 3.0"]),
    "default": ("def g(k=2.0): return k", "g()", ["g.__defaults__ = (3.0,)", "g = lambda: 6.0"]),
    "cell": (
        "def made():\n s = 2.0\n def g(): return s\n def put(v):\n  nonlocal s\n  s = v\n return g, put\ng, put = made()",
        "g()",
        ["put(3.0)", "put(6.0)"],
    ),
    "list": ("L = [2.0, 4.0]", "L[1]", ["L[1] = 3.0", "L.reverse()", "L[:] = [1.0, 6.0]"]),
    "long list": ("L = [2.0] * 2000", "L[1]", ["L[1] = 3.0"]),
    "objects in a list": ("L = [Box(s=2.0)]", "sum(b.s for b in L)", ["L[0].s = 3.0", "L.append(Box(s=6.0))"]),
    "module": ("import types\nm = types.ModuleType('m'); m.s = 2.0", "m.s", ["m.s = 3.0"]),
    "partial": ("import functools\np = functools.partial(lambda a: a, a=2.0)", "p()", ["p.keywords['a'] = 3.0"]),
    "layer": (
        "class N(nn.Module):\n def __init__(self): super().__init__(); self.k = 2.0\nn = N()",
        "n.k",
        ["n.k = 3.0", "n.__dict__['k'] = 6.0"],
    ),
    "__getattr__": (
        "class C:\n D = {'s': 2.0}\n def __getattr__(self, n): return self.D[n]\nc = C()",
        "c.s",
        ["c.D['s'] = 3.0", "c.s = 6.0"],
    ),
    "__getitem__": ("class C:\n D = [2.0]\n def __getitem__(self, n): return self.D[n]\nc = C()", "c[0]", ["c.D[0] = 3.0"]),
    "method": ("class C:\n s = 2.0\n def m(self): return self.s\nc = C()", "c.m()", ["c.s = 3.0", "C.m = lambda self: 6.0"]),
    "super": (
        "class A:\n def m(self): return 2.0\nclass B(A):\n def m(self): return super().m()\nb = B()",
        "b.m()",
        ["A.m = lambda self: 3.0"],
    ),
    "context": ("import contextvars\nv = contextvars.ContextVar('v', default=2.0)", "v.get()", ["v.set(3.0)"]),
    "named tuple": (
        "import collections\np = collections.namedtuple('P', 'a')([2.0])",
        "p.a[0]",
        ["p.a[0] = 3.0", "p = p._replace(a=[6.0])"],
    ),
}
SYNTAXES = [
    "return {V} * x",
    "y = x + 1; return {V} * y",
    "return x * {V}",
    "return (y := x + 1) * {V}",
    "return sum([{V} * v for v in (x, x)])",
    "return sum([v for v in (x, x) if {V} < 5] + [x])",
    "return sum([{V} * v * k for v in (x, x) for k in (1, 2)])",
    "return sum([sum([{V} * w for w in (v, v)]) for v in (x, x)])",
    "return sum({{k: {V} * x for k in (1, 2)}}.values())",
    "return sum({V} * v for v in (x, x))",
    "return (lambda v: {V} * v)(x)",
    "def inner(v): return {V} * v\n    return inner(x)",
    "return sum(map(lambda v: v * {V}, [x, x]))",
    "for i in range(2): x = {V} * x\n    return x",
    "n = 0\n    while n < 2: n += 1; x = {V} * x\n    return x",
    "if {V} < 5:\n        return x * 2\n    return x * 7",
    "return x * 2 if {V} < 5 else x * 7",
    "return x * (({V} > 5) and 4 or 1)",
    "return helper(v=x, k={V})",
    "return helper(*(x, {V}))",
    "return helper(x, **dict(k={V}))",
    "a, b = {V}, x\n    return a * b",
    "a, b = x, x; return {V} * a + b",
    "a, *b = ({V}, x); return a * b[0]",
    "y = x * 1\n    y += {V}\n    return y",
    "return x * (1 if 0 < {V} < 5 else 5)",
    "try:\n        return x * {V}\n    finally:\n        pass",
    "with torch.no_grad():\n        return {V} * x",
    "match {V}:\n        case 2.0: return x\n        case w: return x * w",
    'return x * float(f"{{{V}}}")',
    "class K:\n        s = {V}\n    return x * K.s",
    "p = (x, {V}); return p[0] * p[1]",
    "r = [{V}, x]\n    r.append(r[0] * r[1])\n    return r[-1]",
    "d = dict(a={V}, b=x)\n    return d['a'] * d.get('b')",
    "def given():\n        yield {V}\n        yield x\n    a, b = given()\n    return a * b",
    "if x.sum() > 0:\n        return x * {V}\n    return x - {V}",
    "import math\n    return x * math.sqrt({V})",
    "return torch.stack([x * {V}, x]).sum(0)",
    "return wrapped(x, {V})",
    "global T\n    T = {V}\n    return x * T",
    "assert {V} is not None\n    return x * {V}",
]
SHAPES = [
    "def f(x):\n    {body}",
    "def g0(x):\n    {body}\ndef f(x): return g0(x) + 1",
    "class F0:\n  def go(self, x):\n    {body}\nf = F0().go",
    "class F1(nn.Module):\n  def forward(self, x):\n    {body}\nf = F1()",
]
BEFORE = """
import functools
def helper(v, k): return v * k
def deco(g):
    @functools.wraps(g)
    def w(*a, **k): return g(*a, **k)
    return w
@deco
def wrapped(x, k): return x * k
T = 0.0
"""
CELLS = list(itertools.product(PLACES, range(len(SYNTAXES))))


def hold(source, changes):
    """Hold that a compiled function gives what it gives uncompiled, after each change."""
    one, other = world(source), world(source)
    compiled, x = lineal.compile(one["f"]), lineal.arange(3.0) + 1
    for change in ["pass", *changes]:
        for space in (one, other):
            exec(change, space)
        for _ in range(3):
            found, expected = outcome(compiled, x), outcome(other["f"], x)
            assert equal(found, expected), f"after {change}: {found} for {expected}, {compiled.eager}\n{source}"
    assert compiled.eager is None, f"{compiled.eager}\n{source}"


def source_of(place, syntax, shape, use=None):
    body = SYNTAXES[syntax].format(V=use or PLACES[place][1])
    return BEFORE + PLACES[place][0] + "\n" + SHAPES[shape].format(body=body)


def test_some_of_the_grid():
    """Every place and every way of writing, a few times each."""
    for n, (place, syntax) in enumerate(CELLS):
        if (syntax + 5 * list(PLACES).index(place)) % 24 == 0:
            hold(source_of(place, syntax, n % len(SHAPES)), PLACES[place][2])


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_the_whole_grid(place):
    """Every way of writing at a place, in one shape of function each, which is another one at the next place."""
    start = list(PLACES).index(place)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "compile: .* compiled for the")
        for syntax in range(len(SYNTAXES)):
            hold(source_of(place, syntax, (start + syntax) % len(SHAPES)), PLACES[place][2])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed):
    rng = random.Random(seed)
    for _ in range(40):
        a, b = rng.sample(list(PLACES), 2)
        if not {each.split("=")[0].strip() for each in (PLACES[a][0], PLACES[b][0])} - {PLACES[a][0].split("=")[0].strip()}:
            continue
        source = PLACES[b][0] + "\n" + source_of(a, rng.randrange(len(SYNTAXES)), rng.randrange(len(SHAPES)))
        hold(source, rng.choices(PLACES[a][2], k=4))
