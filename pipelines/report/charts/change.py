"""Charts of what changes: growth of prompts per day, and the sessions that are coming, each with its interval."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import GAIN_LABEL, axis_x, colour, finish, inline, layer, names_axis
from pipelines.report.formats import gain
from pipelines.report.palette import BASELINE_RULE, SURFACE_COLOURS, SURFACE_NAMES, named, scale


def context_trend(trend: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Growth of the median prompt per day by surface, with its 95 % interval.

    Args:
        trend: Contract ContextTrend.
        title: The sentence above.
    """
    names = ("growth_per_day_ratio", "growth_low_per_day_ratio", "growth_high_per_day_ratio")
    medians = trend.filter(pl.col("quantile").cast(pl.String) == "p50")
    rows = [_row(row["surface"], [row[name] for name in names]) for row in medians.iter_rows(named=True)]
    return _intervals(rows, "growth of the median prompt per day", title)


def demand_forecast(forecast: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Sessions of the coming week over those of the last, by surface: median and the range from p10 to p90.

    Args:
        forecast: Contract DemandForecast; surfaces without numbers are left out.
        title: The sentence above.
    """
    known = forecast.drop_nulls("session_weight_ratio").with_columns(pl.col("surface", "quantile").cast(pl.String))
    wide = known.pivot("quantile", index="surface", values="session_weight_ratio")
    rows = [
        _row(row["surface"], [row[name] - 1.0 for name in ("p50", "p10", "p90")]) for row in wide.iter_rows(named=True)
    ]
    return _intervals(rows, "change of sessions, p10 to p90", title)


def _row(surface: str, values: Sequence[float]) -> dict[str, Any]:
    mid, low, high = values
    return {
        "code": str(surface),
        "surface": named(str(surface), SURFACE_NAMES),
        "mid": mid,
        "low": low,
        "high": high,
        "label": gain(mid),
        "range": f"{gain(low)} to {gain(high)}",
    }


def _intervals(rows: list[dict[str, Any]], what: str, title: str) -> alt.LayerChart:
    """A point on its interval for each surface, beside a line at no change."""
    present = {row["code"] for row in rows}
    order = scale(SURFACE_COLOURS, SURFACE_NAMES, present)[0]
    ends = [row[key] for row in rows for key in ("low", "high")]
    low, high = min(0.0, *ends), max(0.0, *ends)
    air = max((high - low) * 0.08, 0.002)
    x = alt.X(
        "mid:Q",
        scale=alt.Scale(domain=[low - air, high + air], nice=False),
        axis=axis_x(what, label=GAIN_LABEL, ticks=4),
    )
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("surface:N", sort=order, axis=names_axis()),
        color=colour("surface", SURFACE_COLOURS, SURFACE_NAMES, present, legend=False),
        tooltip=["surface:N", alt.Tooltip("label:N", title=what), alt.Tooltip("range:N", title="interval")],
    )
    bars = base.mark_rule(strokeWidth=8, opacity=0.35).encode(x=alt.X("low:Q"), x2="high:Q")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(x=x)
    text = base.mark_text(dy=-11, fontWeight=600, color="currentColor").encode(
        x=x, text="label:N", color=alt.value("currentColor")
    )
    none = alt.Chart(inline([{"mid": 0.0}])).mark_rule(color=BASELINE_RULE, strokeDash=[4, 3]).encode(x=x)
    return finish(layer(none, bars, dots, text), title=title, height={"step": 38})
