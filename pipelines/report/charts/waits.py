"""Charts of time lost: where users wait, where agents stall."""

from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import PERCENT_LABEL, axis_x, colour, finish, inline, layer, names_axis
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
