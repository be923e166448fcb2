"""The chart of leaving: how many people would still wait for a first token, and from when they leave faster."""

import math
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import PERCENT_LABEL, axis_x, axis_y, finish, inline, layer
from pipelines.report.formats import seconds
from pipelines.report.palette import BASELINE_RULE, SURFACE_COLOURS, SURFACE_NAMES, named

MIN_AT_RISK_COUNT = 20
"""People who must still wait for the curve to go on. Assumed: with fewer, one of them moves it by five points."""

_Z95 = 1.959963984540054
_SHORTEST_S = 0.5


def survival(curve: pl.DataFrame, thresholds: pl.DataFrame, surface: str, *, longest_s: float) -> alt.LayerChart:
    """Share of people who would still wait, with its 95 % band, and the thresholds of one surface as vertical lines.

    Args:
        curve: Contract AbandonmentCurve; days are pooled.
        thresholds: Contract AbandonmentThresholds; pale bars are their intervals.
        surface: Which surface to draw.
        longest_s: End of the axis, to compare surfaces side by side.
    """
    paint = SURFACE_COLOURS.get(surface, BASELINE_RULE)
    rises = _of(thresholds, surface).sort("rank").to_dicts()
    x = alt.X(
        "wait_s:Q",
        scale=alt.Scale(type="log", base=2, domain=[_SHORTEST_S, longest_s], nice=False, clamp=True),
        axis=axis_x(
            "wait for the first token, log scale",
            label="datum.value + ' s'",
            values=[2.0**power for power in range(-1, 9) if 2.0**power <= longest_s],
            grid=False,
        ),
    )
    y = alt.Y(
        "survival:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=axis_y("would still wait", label=PERCENT_LABEL, ticks=4),
    )
    tooltip = [
        alt.Tooltip("wait:N"),
        *(alt.Tooltip(f"{key}:Q", format=".1%", title=title) for key, title in _TOLD),
        alt.Tooltip("at_risk:Q", format=",d", title="calls still waiting"),
    ]
    points = pooled_survival(_of(curve, surface))
    base = alt.Chart(inline(points)).encode(x=x, tooltip=tooltip)
    band = base.mark_area(opacity=0.22, color=paint).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(color=paint, strokeWidth=2.2, point=alt.OverlayMarkDef(color=paint, size=30)).encode(y=y)
    name = named(surface, SURFACE_NAMES)
    title = f"{name}: from {seconds(rises[0]['threshold_s'])}" if rises else f"{name}: no threshold found"
    return finish(layer(*_rules(rises, x), band, line), title=title, height=150)


_TOLD = (("survival", "would still wait"), ("low", "at least"), ("high", "at most"))


def pooled_survival(curve: pl.DataFrame) -> list[dict[str, Any]]:
    """Survival at the end of each band of the wait, days of one surface pooled, while enough people still wait.

    The share that leaves in a band is the mean of the days' own shares, weighted by who reached it; its variance is
    Greenwood's, and the 95 % interval Wilson's at the number of independent people with that variance.

    Args:
        curve: Contract AbandonmentCurve of one surface.
    """
    start = pl.col("survival_ratio").shift(1, fill_value=1.0).over("day", order_by="wait_low_s")
    bands = (
        curve.with_columns(gone=pl.when(start > 0.0).then(1.0 - pl.col("survival_ratio") / start).otherwise(1.0))
        .group_by("wait_low_s", "wait_high_s")
        .agg(
            gone=(pl.col("gone") * pl.col("at_risk_count")).sum() / pl.col("at_risk_count").sum(),
            n=pl.col("at_risk_count").sum(),
            left=pl.col("left_waiting_count").sum(),
        )
        .filter((pl.col("n") >= MIN_AT_RISK_COUNT) & pl.col("wait_high_s").is_finite())
        .sort("wait_low_s")
    )
    rows, share, variance = [], 1.0, 0.0
    for row in bands.iter_rows(named=True):
        gone = row["gone"]
        share *= 1.0 - gone
        if share <= 0.0:
            break
        variance += gone**2 / ((1.0 - gone) * row["left"]) if row["left"] else 0.0
        known = 0.0 < share < 1.0 and variance > 0.0
        low, high = wilson(share, (1.0 - share) / (share * variance) if known else row["n"])
        wait = {"wait_s": row["wait_high_s"], "wait": seconds(row["wait_high_s"])}
        rows.append({**wait, "survival": share, "low": low, "high": high, "at_risk": row["n"]})
    return rows


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (JASA 22 (1927) 209), within 0 and 1; trials need not be whole."""
    centre = share + _Z95**2 / (2 * trials)
    half = _Z95 * math.sqrt(share * (1.0 - share) / trials + _Z95**2 / (4 * trials**2))
    scale = 1.0 + _Z95**2 / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def _rules(rises: list[dict[str, Any]], x: alt.X) -> list[alt.Chart]:
    """Vertical lines at the thresholds, dashed for people who leave at a late answer, on their intervals."""
    rows = [
        {
            "wait_s": rise["threshold_s"],
            "low_s": rise["threshold_low_s"],
            "high_s": rise["threshold_high_s"],
            "at": seconds(rise["threshold_s"]),
            "moment": str(rise["moment"]),
        }
        for rise in rises
    ]
    if not rows:
        return []
    base = alt.Chart(inline(rows)).encode(tooltip=[alt.Tooltip("at:N", title="threshold"), "moment:N"])
    spans = base.mark_rect(color=BASELINE_RULE, opacity=0.25).encode(x=alt.X("low_s:Q"), x2="high_s:Q")
    dash = alt.StrokeDash(
        "moment:N", scale=alt.Scale(domain=["waiting", "answered"], range=[[1, 0], [4, 3]]), legend=None
    )
    return [spans, base.mark_rule(strokeWidth=1.4, opacity=0.8).encode(x=x, strokeDash=dash)]


def _of(frame: pl.DataFrame, surface: str) -> pl.DataFrame:
    return frame.filter(pl.col("surface").cast(pl.String) == surface)
