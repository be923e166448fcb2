"""Charts of a fidelity report: quantiles laid over each other, and the curves of bursts, prefix cache and clients."""

import altair as alt

from pipelines.report.charts.frame import K_LABEL, PERCENT_LABEL, axis_x, axis_y, finish, inline, layer
from pipelines.report.palette import ACCENT, BASELINE_RULE, BINDING_COLOURS
from telemetry_sim.fidelity import TITLES, Overlay, PrefixCurve
from warehouse.contracts import BindingResource

REAL, OTHER, SYNTHETIC = "real", "real, other half", "synthetic"
_COLOURS = {REAL: BINDING_COLOURS[BindingResource.MATRIX.value], OTHER: BASELINE_RULE, SYNTHETIC: ACCENT}
_LEAST = 1e-4
"""A logarithmic axis shows nothing below."""


def quantile_overlay(overlay: Overlay) -> alt.LayerChart:
    """Distribution functions of a sample: the half compared with, the half fitted on, and the synthetic trace."""
    lines = ((OTHER, overlay.other_half), (REAL, overlay.real), (SYNTHETIC, overlay.synthetic))
    rows = [
        {"trace": name, "share": float(share), "amount": max(float(amount), _LEAST)}
        for name, amounts in lines
        for share, amount in zip(overlay.shares, amounts, strict=True)
    ]
    x = alt.X("amount:Q", scale=alt.Scale(type="log", nice=False), axis=axis_x("log scale", label=K_LABEL, ticks=4))
    y = alt.Y("share:Q", axis=axis_y("share of values", label=PERCENT_LABEL, ticks=4))
    chart = alt.Chart(inline(rows)).mark_line(strokeWidth=2).encode(x=x, y=y, color=_colour(), order="share:Q")
    return finish(chart, title=TITLES.get(overlay.metric, overlay.metric.replace("_", " ")), height=170)


def dispersion_curve(curve: tuple[tuple[float, float, float, float, float], ...]) -> alt.LayerChart:
    """Dispersion index over the window, with the band of the synthetic draws."""
    band = [{"window": window, "low": low, "high": high} for window, _, _, low, high in curve]
    rows = [
        {"trace": name, "window": point[0], "index": point[at]}
        for point in curve
        for name, at in ((REAL, 1), (SYNTHETIC, 2))
    ]
    x = alt.X("window:Q", scale=alt.Scale(type="log", nice=False), axis=axis_x("window, s (log scale)"))
    y = alt.Y("index:Q", scale=alt.Scale(type="log", nice=False), axis=axis_y("variance over mean (log scale)"))
    area = alt.Chart(inline(band)).mark_area(opacity=0.18, color=ACCENT)
    area = area.encode(x=x, y=alt.Y("low:Q", scale=alt.Scale(type="log", nice=False)), y2="high:Q")
    lines = alt.Chart(inline(rows)).mark_line(point=True, strokeWidth=2).encode(x=x, y=y, color=_colour())
    return finish(layer(area, lines), title="Bursts: dispersion index of requests by window", height=240)


def prefix_curves(real: PrefixCurve, synthetic: PrefixCurve) -> alt.LayerChart:
    """Hit share of a prefix cache over its size."""
    rows = [
        {"trace": name, "blocks": size, "hits": hits}
        for name, curve in ((REAL, real), (SYNTHETIC, synthetic))
        for size, hits in zip(curve.cache_blocks, curve.hit_ratios, strict=True)
    ]
    x = alt.X(
        "blocks:Q", scale=alt.Scale(type="log", nice=False), axis=axis_x("cache, blocks of 512 tokens", label=K_LABEL)
    )
    y = alt.Y("hits:Q", axis=axis_y("blocks found", label=PERCENT_LABEL))
    chart = alt.Chart(inline(rows)).mark_line(point=True, strokeWidth=2).encode(x=x, y=y, color=_colour())
    ends = f"without limit {real.infinite_hit_ratio:.1%} real, {synthetic.infinite_hit_ratio:.1%} synthetic"
    return finish(chart, title=f"Prefix cache, least recently used: {ends}", height=240)


def share_curve(shares: tuple[tuple[int, float, float], ...]) -> alt.LayerChart:
    """Cumulated share of the busiest clients."""
    rows = [
        {"trace": name, "rank": point[0], "share": point[at]}
        for point in shares
        for name, at in ((REAL, 1), (SYNTHETIC, 2))
    ]
    x = alt.X("rank:Q", scale=alt.Scale(type="log", nice=False), axis=axis_x("clients up to this rank (log scale)"))
    y = alt.Y("share:Q", axis=axis_y("share of requests", label=PERCENT_LABEL))
    chart = alt.Chart(inline(rows)).mark_line(point=True, strokeWidth=2).encode(x=x, y=y, color=_colour())
    return finish(chart, title="The busiest clients' share of all requests", height=240)


def _colour() -> alt.Color:
    legend = alt.Legend(orient="top", direction="horizontal", title=None, symbolType="square")
    return alt.Color("trace:N", scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())), legend=legend)
