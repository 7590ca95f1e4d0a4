"""Lines of networks: convolutions, pooling, resampling, normalisations, attention, cells, transforms."""

from __future__ import annotations

from fuzz.drafts import Draft

__all__ = ["layered"]

LINE = "{x}.reshape(1, 1, -1)"
PLANES = "{x}.reshape(-1, 1, *{x}.shape[-2:])"
PAIR = "{x}.reshape(2, -1)"
CONVOLUTIONS = (
    f"F.conv1d({LINE}, {{w}}[:6].reshape(2, 1, 3), {{w}}[:2], {{s}}, {{p}}, {{d}})",
    f"F.conv1d({PAIR}, {{w}}[:4].reshape(2, 1, 2), None, {{s}}, {{p}}, groups=2)",
    f"F.conv2d({PLANES}, {{w}}[:8].reshape(2, 1, 2, 2), None, {{s}}, {{p}}, {{d}})",
    f"F.conv2d({PLANES}, {{w}}[:6].reshape(2, 1, 3, 1), {{w}}[:2], padding='same')",
    f"F.conv_transpose1d({LINE}, {{w}}[:6].reshape(1, 2, 3), None, {{s}}, {{p}}, dilation={{d}})",
    f"F.conv_transpose2d({PLANES}, {{w}}[:4].reshape(1, 1, 2, 2), {{w}}[:1], {{s}})",
    f"F.unfold({PLANES}, 2, padding={{p}}, stride={{s}})",
)
POOLS = (
    f"F.max_pool1d({LINE}, 3, {{s}}, {{p}})",
    f"F.max_pool1d({LINE}, 2, {{s}}, dilation={{d}}, ceil_mode=True, return_indices=True)",
    f"F.max_pool2d({PLANES}, 2, {{s}}, {{p}})",
    f"F.max_pool2d({PLANES}, 2, {{s}}, return_indices=True)",
    f"F.avg_pool1d({LINE}, 3, {{s}}, {{p}}, count_include_pad=False)",
    f"F.avg_pool2d({PLANES}, 2, {{s}})",
    f"F.adaptive_avg_pool2d({PLANES}, (2, 1))",
    f"F.adaptive_max_pool1d({LINE}, 2)",
    f"F.interpolate({LINE}, scale_factor=2)",
    f"F.interpolate({PLANES}, (3, 2), mode='bilinear')",
    "F.pad({x}.reshape(1, -1), (1, 1), mode='reflect')",
)
NORMS = (
    "F.group_norm({x}.reshape(1, 2, -1), 2)",
    "F.group_norm({x}.reshape(1, 2, -1), 1, {w}[:2], {w}[:2])",
    "F.instance_norm({x}.reshape(1, 2, -1))",
    "F.rms_norm({x}, {x}.shape[-1:], None, 1e-3)",
    "F.batch_norm({x}.reshape(-1, 1), {w}[:1].detach().clone(), {w}[:1].detach().exp(), training=True)",
    "F.batch_norm({x}.reshape(-1, 1), {w}[:1], {w}[:1].exp(), {w}[:1])",
    "F.local_response_norm({x}.reshape(1, 2, -1), 2)",
)
OTHERS = (
    "F.scaled_dot_product_attention({x}, {x}, {x}.sin())",
    "F.scaled_dot_product_attention({x}, {x}, {x}.tanh(), is_causal=True)",
    "torch.rnn_tanh_cell({x}.reshape(-1, 2), {x}.reshape(-1, 2), {w}[:4].reshape(2, 2), {w}[:4].reshape(2, 2))",
    "torch.gru_cell({x}.reshape(-1, 1), {x}.reshape(-1, 1), {w}[:3].reshape(3, 1), {w}[:3].reshape(3, 1))",
    "torch.lstm_cell({x}.reshape(-1, 1), ({x}.reshape(-1, 1),) * 2, {w}[:4].reshape(4, 1), {w}[:4].reshape(4, 1))",
    "torch.fft.rfft({x}).abs()",
    "torch.fft.irfft(torch.fft.rfft({x}), {x}.shape[-1])",
    "torch.special.i0e({x})",
    "torch.special.log_ndtr({x})",
    "F.pdist({x}.reshape(2, -1))",
)
FAMILIES = (CONVOLUTIONS, CONVOLUTIONS, POOLS, POOLS, NORMS, OTHERS)
PAIRS = ("return_indices", "lstm_cell")


def layered(d: Draft) -> None:
    """A layer of a network."""
    x, w = d.float(lambda x: 0 < x.numel() < 1500), d.float(lambda x: x.numel() >= 8)
    if x is None or w is None or d.tensor(x).dtype != d.tensor(w).dtype:
        return
    form = d.choice(d.choice(FAMILIES))
    numbers = {"s": d.integer(1, 4), "p": d.integer(0, 2), "d": d.integer(1, 3)}
    d.let(form.format(x=x, w=f"{w}.reshape(-1)", **numbers), 2 if any(each in form for each in PAIRS) else 1)
