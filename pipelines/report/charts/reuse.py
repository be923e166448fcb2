"""Charts of prefix reuse: what the cache still held after an idle time, and what a longer life would keep."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import PERCENT_LABEL, axis_x, axis_y, colour, finish, inline, layer, names_axis
from pipelines.report.formats import percent, seconds, significant
from pipelines.report.palette import BASELINE_RULE, SURFACE_COLOURS, SURFACE_NAMES, named, scale

MIN_CALLS_COUNT = 20
"""Calls that a cell must hold to be shown. Assumed: with fewer, its share is a matter of chance."""

_DURATION_LABEL = (
    "datum.value < 60 ? datum.value + ' s' : datum.value < 3600 ? datum.value / 60 + ' min' : datum.value / 3600 + ' h'"
)
_FORGOTTEN, _KEPT = "#b9603a", "#33708a"


def cache_life(curve: pl.DataFrame, *, wanted_ratio: float, title: str) -> alt.LayerChart:
    """Share of shared tokens that a cache would keep, over how long it keeps a prefix after its last use.

    Args:
        curve: Columns surface, life_s, kept_ratio; the endless life of the last band is not drawn.
        wanted_ratio: Where the dashed line lies.
        title: The sentence above.
    """
    known = curve.drop_nulls("kept_ratio").filter(pl.col("life_s").is_finite())
    rows = [
        {"surface": named(str(row["surface"]), SURFACE_NAMES), "life_s": row["life_s"], "kept": row["kept_ratio"]}
        for row in known.iter_rows(named=True)
    ]
    lives = sorted({row["life_s"] for row in rows})
    x = alt.X(
        "life_s:Q",
        scale=alt.Scale(type="log", domain=[lives[0], lives[-1]], nice=False),
        axis=axis_x("idle time that the cache outlives, log scale", label=_DURATION_LABEL, values=lives, grid=False),
    )
    y = alt.Y("kept:Q", scale=alt.Scale(domain=[0, 1]), axis=axis_y("shared tokens kept", label=PERCENT_LABEL))
    tint = colour("surface", SURFACE_COLOURS, SURFACE_NAMES, {str(code) for code in known["surface"]}, below_title=True)
    base = alt.Chart(inline(rows)).encode(
        x=x, y=y, color=tint, tooltip=["surface:N", alt.Tooltip("kept:Q", format=".1%", title="kept")]
    )
    lines = base.mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=30))
    rule = alt.Chart(inline([{"kept": wanted_ratio}])).mark_rule(color=BASELINE_RULE, strokeDash=[4, 3]).encode(y=y)
    return finish(layer(rule, lines), title=title, height=230)


def hits_by_idle_time(reuse: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Share of the shared tokens that the cache still held, by surface and idle time, as cells with their numbers.

    Args:
        reuse: Columns surface, idle_low_s, idle_high_s, call_count, reuse_ratio, hit_ratio, lost_tokens: days and
            switches of the model pooled.
        title: The sentence above.
    """
    known = reuse.drop_nulls(["idle_low_s", "hit_ratio"]).filter(pl.col("call_count") >= MIN_CALLS_COUNT)
    rows = [
        {
            "surface": named(str(row["surface"]), SURFACE_NAMES),
            "idle": idle_name(row["idle_low_s"], row["idle_high_s"]),
            "hit": row["hit_ratio"],
            "label": percent(row["hit_ratio"]),
            "shared": f"of {percent(row['reuse_ratio'])}",
            "calls": row["call_count"],
            "lost": row["lost_tokens"],
        }
        for row in known.iter_rows(named=True)
    ]
    bands = known.select("idle_low_s", "idle_high_s").unique().sort("idle_low_s").iter_rows()
    order = scale(SURFACE_COLOURS, SURFACE_NAMES, {str(code) for code in known["surface"]})[0]
    base = alt.Chart(inline(rows)).encode(
        x=alt.X(
            "idle:O",
            sort=[idle_name(low, high) for low, high in bands],
            axis=axis_x("idle time before the call", labelAngle=0, labelOverlap=False, grid=False, ticks=0),
        ),
        y=alt.Y("surface:N", sort=order, axis=names_axis()),
        tooltip=[
            "surface:N",
            alt.Tooltip("idle:O", title="idle time"),
            alt.Tooltip("label:N", title="still held"),
            alt.Tooltip("shared:N", title="of the prompt shared"),
            alt.Tooltip("calls:Q", format=",d"),
            alt.Tooltip("lost:Q", format=",.3s", title="tokens lost"),
        ],
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color(
            "hit:Q", scale=alt.Scale(domain=[0, 1], range=[_FORGOTTEN, _KEPT], interpolate="rgb"), legend=None
        )
    )
    hits = base.mark_text(color="white", fontWeight=600, dy=-6).encode(text="label:N")
    shared = base.mark_text(color="white", fontSize=10, dy=8).encode(text="shared:N")
    return finish(layer(cells, hits, shared), title=title, height={"step": 40})


def duration(value_s: float) -> str:
    """A round time, in minutes from one minute up."""
    unit = "min" if 60.0 <= value_s < 3600.0 else ""
    return f"{significant(value_s / 60.0)}\N{NO-BREAK SPACE}{unit}" if unit else seconds(value_s)


def idle_name(low_s: float, high_s: float | None) -> str:
    """A band of idle time in its shortest words: the unit once where both ends share it."""
    if high_s is None:
        return f"{duration(low_s)} +"
    low, high = duration(low_s), duration(high_s)
    (number, unit), last = low.split("\N{NO-BREAK SPACE}"), high.split("\N{NO-BREAK SPACE}")[-1]
    return f"{number if unit == last or low_s == 0.0 else low}\N{EN DASH}{high}"
