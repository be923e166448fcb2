"""Charts of time lost: where users wait, where agents stall, how many leave."""

from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import PERCENT_LABEL, axis_x, axis_y, colour, finish, inline, layer, names_axis
from pipelines.report.formats import percent, seconds
from pipelines.report.palette import (
    STALL_COLOURS,
    STALL_NAMES,
    SURFACE_COLOURS,
    SURFACE_NAMES,
    WAIT_COLOURS,
    named,
    scale,
)


def waits_by_surface(waits: pl.DataFrame) -> alt.LayerChart:
    """Share of session time in queue, prefill, decode, tools and humans, by surface.

    Args:
        waits: Contract WaitProfile; phases, context bands and days are summed.
    """
    rows = _shares(waits, "wait", "total_s")
    model_s = sum(row["total_s"] for row in rows if row["kind"] in {"queue", "prefill", "decode", "service"})
    whole_s = sum(row["total_s"] for row in rows) or 1.0
    title = f"Users and agents wait for the model in {percent(model_s / whole_s)} of all session time"
    return finish(_stacked(rows, WAIT_COLOURS, {}, "share of session time"), title=title, height={"step": 34})


def stalls_by_cause(stalls: pl.DataFrame) -> alt.LayerChart:
    """Share of stalled time by cause, by surface.

    Args:
        stalls: Contract StallProfile; days are summed.
    """
    rows = _shares(stalls, "cause", "stalled_s")
    total: dict[str, float] = {}
    for row in rows:
        total[row["kind"]] = total.get(row["kind"], 0.0) + row["total_s"]
    worst = max(total, key=lambda kind: (total[kind], kind))
    share = total[worst] / (sum(total.values()) or 1.0)
    title = f"The largest cause of stalled agent time: {named(worst, STALL_NAMES)} ({percent(share)})"
    return finish(_stacked(rows, STALL_COLOURS, STALL_NAMES, "share of stalled time"), title=title, height={"step": 34})


def abandonment(curve: pl.DataFrame, surface: str, *, top_ratio: float | None = None) -> alt.LayerChart:
    """Share of calls still waiting at this length that are then left, with its 95 % interval, of one surface.

    Args:
        curve: Contract AbandonmentCurve; days are pooled, the interval is Wilson's on the pooled counts.
        surface: Which surface to draw.
        top_ratio: Upper end of the axis, to compare surfaces side by side.
    """
    rows = pooled_hazard(curve.filter(pl.col("surface").cast(pl.String) == surface))
    paint = SURFACE_COLOURS.get(surface, "#8b929c")
    limits = alt.Scale(domain=[0, top_ratio]) if top_ratio else alt.Scale(zero=True)
    y = alt.Y("hazard:Q", scale=limits, axis=axis_y("share leaving", label=PERCENT_LABEL, ticks=4))
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("wait:O", sort=None, axis=axis_x("wait for the first token", labelAngle=-40, labelOverlap=False)),
        tooltip=[
            alt.Tooltip("wait:O"),
            alt.Tooltip("hazard:Q", format=".1%", title="left"),
            alt.Tooltip("low:Q", format=".1%", title="at least"),
            alt.Tooltip("high:Q", format=".1%", title="at most"),
            alt.Tooltip("at_risk:Q", format=",d", title="calls still waiting"),
        ],
    )
    rule = base.mark_rule(color=paint, strokeWidth=5, opacity=0.3).encode(y=alt.Y("low:Q", scale=limits), y2="high:Q")
    dots = base.mark_point(color=paint, filled=True, size=46, opacity=1).encode(y=y)
    line = base.mark_line(color=paint, strokeWidth=1.5).encode(y=y)
    return finish(layer(rule, line, dots), title=named(surface, SURFACE_NAMES), height=150)


def pooled_hazard(curve: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of wait, hazard and Wilson 95 % interval with the days pooled; bins that nobody reached are dropped."""
    pooled = (
        curve.group_by("wait_low_s", "wait_high_s")
        .agg(n=pl.col("at_risk_count").sum(), left=pl.col("left_count").sum())
        .filter(pl.col("n") > 0)
        .sort("wait_low_s")
    )
    z = 1.959963984540054
    p, n = pl.col("left") / pl.col("n"), pl.col("n")
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)).sqrt()
    counted = pooled.with_columns(hazard=p, low=(centre - half).clip(0.0, 1.0), high=(centre + half).clip(0.0, 1.0))
    return [
        {
            "wait": _bin_name(row["wait_low_s"], row["wait_high_s"]),
            "hazard": row["hazard"],
            "low": row["low"],
            "high": row["high"],
            "at_risk": row["n"],
        }
        for row in counted.iter_rows(named=True)
    ]


def _bin_name(low_s: float, high_s: float | None) -> str:
    if high_s is None or high_s == float("inf"):
        return f"{seconds(low_s)} +"
    low, high = seconds(low_s), seconds(high_s)
    same_unit = low.split("\N{NO-BREAK SPACE}")[-1] == high.split("\N{NO-BREAK SPACE}")[-1]
    return f"{low.split(chr(160))[0] if same_unit or low_s == 0 else low}\N{EN DASH}{high}"


def _shares(frame: pl.DataFrame, kind: str, total: str) -> list[dict[str, Any]]:
    summed = (
        frame.with_columns(pl.col("surface", kind).cast(pl.String))
        .group_by("surface", kind)
        .agg(total_s=pl.col(total).sum())
        .with_columns(share=pl.col("total_s") / pl.col("total_s").sum().over("surface"))
        .filter(pl.col("total_s") > 0)
        .sort("surface", kind)
    )
    return [
        {"surface": row["surface"], "kind": row[kind], "total_s": row["total_s"], "share": row["share"]}
        for row in summed.iter_rows(named=True)
    ]


def _stacked(rows: list[dict[str, Any]], colours: dict[str, str], names: dict[str, str], what: str) -> alt.LayerChart:
    order = list(colours)
    present = {str(row["kind"]) for row in rows}
    surfaces = scale(SURFACE_COLOURS, SURFACE_NAMES, {str(row["surface"]) for row in rows})[0]
    shown = [
        {
            "surface": named(str(row["surface"]), SURFACE_NAMES),
            "kind": named(str(row["kind"]), names),
            "order": order.index(str(row["kind"])) if row["kind"] in order else len(order),
            "share": row["share"],
            "label": percent(float(row["share"])) if float(row["share"]) >= 0.07 else "",
            "time": seconds(float(row["total_s"])),
        }
        for row in rows
    ]
    base = alt.Chart(inline(shown)).encode(
        y=alt.Y("surface:N", sort=surfaces, axis=names_axis()),
        x=alt.X("share:Q", stack="zero", scale=alt.Scale(domain=[0, 1]), axis=axis_x(what, label=PERCENT_LABEL)),
        order=alt.Order("order:Q"),
    )
    bars = base.mark_bar(height={"band": 0.74}).encode(
        color=colour("kind", colours, names, present, columns=5),
        tooltip=["surface:N", "kind:N", alt.Tooltip("share:Q", format=".1%"), "time:N"],
    )
    text = base.mark_text(color="white", fontSize=11, fontWeight=600).encode(
        x=alt.X("share:Q", stack="zero", bandPosition=0.5), text="label:N", detail="kind:N"
    )
    return layer(bars, text)
