"""PyTorch's in-place functions: each the method of its name, `lineal.exp_(x)` being `x.exp_()`."""

from lineal.core.calling import public
from lineal.tensors.tensor import Tensor

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "addmv_",
    "arccos_",
    "arccosh_",
    "arcsin_",
    "arcsinh_",
    "arctan_",
    "arctanh_",
    "as_strided_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "ceil_",
    "clamp_",
    "clamp_max_",
    "clamp_min_",
    "clip_",
    "conj_physical_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "detach_",
    "erf_",
    "erfc_",
    "exp2_",
    "exp_",
    "expm1_",
    "fix_",
    "floor_",
    "frac_",
    "gcd_",
    "lcm_",
    "ldexp_",
    "log10_",
    "log1p_",
    "log2_",
    "log_",
    "logit_",
    "nan_to_num_",
    "neg_",
    "negative_",
    "rad2deg_",
    "reciprocal_",
    "relu_",
    "resize_as_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sin_",
    "sinc_",
    "sinh_",
    "sqrt_",
    "square_",
    "tan_",
    "tanh_",
    "trunc_",
    "xlogy_",
]

abs_ = public(Tensor.abs_)
acos_ = public(Tensor.acos_)
acosh_ = public(Tensor.acosh_)
addmv_ = public(Tensor.addmv_)
arccos_ = public(Tensor.arccos_)
arccosh_ = public(Tensor.arccosh_)
arcsin_ = public(Tensor.arcsin_)
arcsinh_ = public(Tensor.arcsinh_)
arctan_ = public(Tensor.arctan_)
arctanh_ = public(Tensor.arctanh_)
as_strided_ = public(Tensor.as_strided_)
asin_ = public(Tensor.asin_)
asinh_ = public(Tensor.asinh_)
atan_ = public(Tensor.atan_)
atanh_ = public(Tensor.atanh_)
ceil_ = public(Tensor.ceil_)
clamp_ = public(Tensor.clamp_)
clamp_max_ = public(Tensor.clamp_max_)
clamp_min_ = public(Tensor.clamp_min_)
clip_ = public(Tensor.clip_)
conj_physical_ = public(Tensor.conj_physical_)
cos_ = public(Tensor.cos_)
cosh_ = public(Tensor.cosh_)
deg2rad_ = public(Tensor.deg2rad_)
detach_ = public(Tensor.detach_)
erf_ = public(Tensor.erf_)
erfc_ = public(Tensor.erfc_)
exp2_ = public(Tensor.exp2_)
exp_ = public(Tensor.exp_)
expm1_ = public(Tensor.expm1_)
fix_ = public(Tensor.fix_)
floor_ = public(Tensor.floor_)
frac_ = public(Tensor.frac_)
gcd_ = public(Tensor.gcd_)
lcm_ = public(Tensor.lcm_)
ldexp_ = public(Tensor.ldexp_)
log10_ = public(Tensor.log10_)
log1p_ = public(Tensor.log1p_)
log2_ = public(Tensor.log2_)
log_ = public(Tensor.log_)
logit_ = public(Tensor.logit_)
nan_to_num_ = public(Tensor.nan_to_num_)
neg_ = public(Tensor.neg_)
negative_ = public(Tensor.negative_)
rad2deg_ = public(Tensor.rad2deg_)
reciprocal_ = public(Tensor.reciprocal_)
relu_ = public(Tensor.relu_)
resize_as_ = public(Tensor.resize_as_)
round_ = public(Tensor.round_)
rsqrt_ = public(Tensor.rsqrt_)
sigmoid_ = public(Tensor.sigmoid_)
sin_ = public(Tensor.sin_)
sinc_ = public(Tensor.sinc_)
sinh_ = public(Tensor.sinh_)
sqrt_ = public(Tensor.sqrt_)
square_ = public(Tensor.square_)
tan_ = public(Tensor.tan_)
tanh_ = public(Tensor.tanh_)
trunc_ = public(Tensor.trunc_)
xlogy_ = public(Tensor.xlogy_)
