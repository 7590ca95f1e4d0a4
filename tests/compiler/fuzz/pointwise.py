"""Lines element by element: real numbers, whole numbers, truth values."""

from __future__ import annotations

from fuzz.drafts import Draft

UNARY = """
sin({x}) cos({x}) tanh({x}) sigmoid({x}) relu({x}) abs({x}) neg({x}) square({x}) atan({x}) erf({x}) erfc({x}) sign({x})
exp(-{x}.abs()) expm1({x}.tanh()) log1p({x}.square()) sqrt({x}*{x}+1) rsqrt({x}.abs()+0.5) log({x}.abs()+0.5) exp2(-{x}.abs())
log2({x}.abs()+0.5) log10({x}.abs()+0.25) reciprocal({x}.abs()+0.5) floor({x}) ceil({x}) round({x}) trunc({x}) frac({x})
clamp({x},-0.5,0.5) clamp({x},min=0.25) clamp({x},max=0.25) sinh({x}.tanh()) cosh({x}.tanh()) asinh({x}) acosh({x}.abs()+1.5)
atanh({x}.tanh()*0.75) asin({x}.tanh()*0.75) acos({x}.tanh()*0.75) tan({x}.tanh()) clone({x}) positive({x}) sinc({x})
lgamma({x}.abs()+1) digamma({x}.abs()+1) erfinv({x}.tanh()*0.75) logit({x}.sigmoid()) nan_to_num({x}) deg2rad({x}) rad2deg({x})
zeros_like({x}) ones_like({x}) full_like({x},0.5) sgn({x}) angle({x}+0.0) signbit({x}.nan_to_num()) isnan({x}) isinf({x})
isfinite({x}) polygamma(1,{x}.abs()+1) isposinf({x}) isneginf({x}) clip({x},-1,1)
""".split()
PLAIN = """
F.softplus({x}) F.gelu({x}) F.gelu({x},approximate='tanh') F.silu({x}) F.elu({x}) F.leaky_relu({x},0.1) F.hardtanh({x})
F.hardsigmoid({x}) F.hardswish({x}) F.mish({x}) F.selu({x}) F.celu({x}) F.logsigmoid({x}) F.softsign({x}) F.tanhshrink({x})
F.relu6({x}) {x}*{k} {k}-{x} {x}+{k} {x}/{k} {k}/({x}.abs()+1) {x}**2 {x}**3 ({x}.abs()+0.5)**{k} {x}.detach() {x}.contiguous()
-{x} abs({x}) {x}%{k} {x}//{k} {x}.to(torch.float64) {x}.to(torch.float32) {x}.double()*{k} {x}.data {x}.clone().detach()
""".split()
BINARY = """
add({x},{y}) sub({x},{y}) mul({x},{y}) maximum({x},{y}) minimum({x},{y}) fmax({x},{y}) fmin({x},{y}) atan2({x},{y})
hypot({x},{y}) copysign({x},{y}.nan_to_num()) div({x},{y}.abs()+0.5) remainder({x},{y}.abs()+0.5) fmod({x},{y}.abs()+0.5)
logaddexp({x},{y}) xlogy({x},{y}.abs()+0.5)
lerp({x},{y},0.25) pow({x}.abs()+0.5,{y}) where({x}>{y},{x},{y}) where({x}>0,{y},{k}) eq({x},{y})
ne({x},{y}) lt({x},{y}) le({x},{y}) gt({x},{y}) ge({x},{y}) add({x},{y},alpha={k}) sub({x},{y},alpha=2) rsub({x},{y})
floor_divide({x},{y}.abs()+0.5) div({x},{y}.abs()+0.5,rounding_mode='trunc') heaviside({x},{y}) isclose({x},{y})
addcmul({x},{y},{y},value={k}) addcdiv({x},{y},{x}.abs()+1) lerp({x},{y},{x}.sigmoid()) where({x}.isnan(),{y},{x})
clamp({x},min={y}) clamp({x},-{y}.abs(),{y}.abs()) logaddexp2({x},{y}) nextafter({x},{y}) float_power({x}.abs()+0.5,2)
""".split()
OPERATORS = (
    "{x}+{y} {x}-{y} {x}*{y} {x}*{k}+{y} {x}+{y}*{y} ({x}-{y}).square() {x}/({y}*{y}+1) {x}>{y} {x}*{y}-{x} 1-{x}*{y}".split()
)
WHOLE = """
{x}+{y} {x}-{y} ({x}*{y})%7 maximum({x},{y}) minimum({x},{y}) {x}&{y} {x}|{y} {x}^{y} remainder({x},5) {x}//3 {x}%3
where({x}<{y},{x},{y}) ({x}=={y}) ({x}>2) ~{x} -{x} abs({x}) sign({x}) clamp({x},-1,2) div({x},3,rounding_mode='trunc') {x}/2
{x}<<1 {x}>>1 gcd({x},{y}) {x}.to(torch.float32) {x}.to(torch.float64)*{k} {x}.to(torch.int32) {x}.to(torch.int64) {x}.bool()
{x}.to(torch.int8) {x}.to(torch.uint8) fmod({x},3) square({x})%11 {x}*2 {x}+1 {x}.float()
""".split()
TRUTH = """
{x}&{y} {x}|{y} {x}^{y} ~{x} {x}.float() {x}.long() where({x},0.5,-0.25) logical_and({x},{y}) logical_or({x},{y})
logical_xor({x},{y}) logical_not({x}) {x}.to(torch.int32)+1 {x}==True {x}*2.5 {x}+{y} where({x},{y},{x}) {x}.double()*{k}
""".split()
COMPLEX = """
{x}*{y} {x}+{y} {x}.conj()*{y} {x}.real {x}.imag {x}.abs() {x}*{k} torch.exp({x}*0.1) torch.angle({x}) {x}-{y}
torch.view_as_real({x}) {x}/({y}.abs()+1) {x}*2j {x}.conj() torch.sin({x}*0.5) {x}.square() torch.sqrt({x}+3)
""".split()


def called(template: str, x: str, y: str, k: float) -> str:
    """Return an expression: names without a dot are torch's functions."""
    text = template.format(x=x, y=y, k=k)
    head = text.split("(")[0]
    return f"torch.{text}" if (head.isidentifier() and "(" in text and head != "abs") or head == "abs" else text


def broadcasts(a, b) -> bool:
    """Return whether two shapes broadcast."""
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b)))


def unary(d: Draft) -> None:
    x = d.float()
    if x is not None:
        d.let(called(d.choice(UNARY) if d.chance(0.75) else d.choice(PLAIN), x, x, d.number()))


def binary(d: Draft) -> None:
    x = d.float()
    if x is None:
        return
    shape, dtype = d.tensor(x).shape, d.tensor(x).dtype
    mixed = d.chance(0.15)
    y = d.pick(lambda y: broadcasts(y.shape, shape) and (y.dtype == dtype or (mixed and not y.is_complex())))
    d.let(called(d.choice(OPERATORS) if d.chance(0.4) else d.choice(BINARY), x, y or x, d.number()))


TERNARY = (
    "torch.where({m}, {x}, {y})",
    "torch.addcmul({x}, {y}, {z})",
    "torch.addcmul({x}, {y}, {z}, value={k})",
    "torch.lerp({x}, {y}, {z})",
    "torch.lerp({x}, {y}, {k})",
    "torch.add({x}, {y}, alpha={k})",
    "{x}*{y}+{z}",
)


def ternary(d: Draft) -> None:
    x = d.float()
    if x is None:
        return
    y, z = d.like(x), d.like(x)
    form = d.choice(TERNARY)
    shape = d.tensor(x).shape
    mask = d.pick(lambda m: m.dtype == d.names["torch"].bool and broadcasts(m.shape, shape)) or f"({x} > {z})"
    d.let(form.format(x=x, y=y, z=z, m=mask, k=d.number()))


def whole(d: Draft) -> None:
    x = d.pick(lambda x: not x.is_floating_point() and not x.is_complex() and x.dtype != d.names["torch"].bool)
    if x is None:
        x = d.float()
        if x is not None:
            d.let(
                f"({x}.detach().nan_to_num().clamp(-9, 9)*{d.integer(1, 5)}).to(torch.{d.choice(('int64', 'int32', 'int16'))})"
            )
        return
    shape, dtype = d.tensor(x).shape, d.tensor(x).dtype
    y = d.pick(lambda y: y.dtype == dtype and broadcasts(y.shape, shape)) or x
    d.let(called(d.choice(WHOLE), x, y, d.number()))


def truth(d: Draft) -> None:
    x = d.pick(lambda x: x.dtype == d.names["torch"].bool)
    if x is None:
        x = d.float()
        if x is not None:
            d.let(f"{x} > {d.number()}")
        return
    shape = d.tensor(x).shape
    y = d.pick(lambda y: y.dtype == d.names["torch"].bool and broadcasts(y.shape, shape)) or x
    d.let(called(d.choice(TRUTH), x, y, d.number()))


def imaginary(d: Draft) -> None:
    x = d.pick(lambda x: x.is_complex())
    if x is None:
        x = d.float()
        if x is not None:
            d.let(f"torch.complex({x}, {d.like(x)})")
        return
    shape = d.tensor(x).shape
    y = d.pick(lambda y: y.is_complex() and broadcasts(y.shape, shape)) or x
    d.let(called(d.choice(COMPLEX), x, y, d.number()))


def state(d: Draft) -> None:
    """A number of Python's that changes between calls."""
    x = d.float()
    if x is not None:
        number = d.choice(("factor", "options['width']", "rates[0]", "scale.factor", "rates[-1]"))
        d.let(d.choice(("{x} * {n}", "{x} + {n}", "torch.where({x} > {n}, {x}, {n})", "{x} / {n}")).format(x=x, n=number))


def drawn(d: Draft) -> None:
    """Random numbers."""
    x = d.float(lambda x: x.dtype in (d.names["torch"].float32, d.names["torch"].float64))
    if x is not None:
        forms = (
            "F.dropout({x}, 0.25)",
            "{x} * torch.rand({x}.shape, dtype={x}.dtype)",
            "{x} + torch.randn_like({x})",
            "{x} + torch.randint(0, 3, {x}.shape).to({x}.dtype)",
            "{x} * torch.bernoulli({x}.detach().sigmoid())",
            "torch.rand_like({x}) - {x}",
            "{x} + torch.normal(0.0, 1.0, {x}.shape).to({x}.dtype)",
            "{x}.detach().clone().uniform_(-1, 1)",
            "{x}.detach().clone().normal_() + {x}",
            "torch.empty_like({x}).exponential_()",
        )
        d.let(d.choice(forms).format(x=x))


def told(d: Draft) -> None:
    """An effect, read or not."""
    x = d.float()
    if x is not None:
        form = d.choice(
            ("telling.told({x})", "telling.told({x}.detach())", "telling.told({x}) * {k}", "{x} + telling.told({x})")
        )
        d.let(form.format(x=x, k=d.number()))
