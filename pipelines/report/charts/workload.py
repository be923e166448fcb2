"""Charts of the demand: calls by hour and surface, and how prompts grow within a session."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import K_LABEL, axis_x, axis_y, colour, finish, inline, layer, names_axis
from pipelines.report.palette import SURFACE_COLOURS, SURFACE_NAMES, named, scale

_HOURLY_DAYS_MAX = 10
"""A longer load is drawn by day, so that the page stays small and bars stay visible."""


def load_by_hour(load: pl.DataFrame) -> alt.LayerChart:
    """Calls per hour (per day over ten days), stacked by surface.

    Args:
        load: Columns hour (UTC datetime), surface, call_count.
    """
    spanned = load["hour"].max(), load["hour"].min()
    daily = spanned[0] is not None and (spanned[0] - spanned[1]).days > _HOURLY_DAYS_MAX  # type: ignore[operator, union-attr]
    step, word = ("1d", "day") if daily else ("1h", "hour")
    frame = (
        load.with_columns(start=pl.col("hour").dt.truncate(step), surface=pl.col("surface").cast(pl.String))
        .group_by("start", "surface")
        .agg(pl.col("call_count").sum())
        .sort("start", "surface")
        .with_columns(end=pl.col("start").dt.offset_by(step))
    )
    busiest = frame.group_by("start").agg(pl.col("call_count").sum()).sort("call_count", descending=True).row(0)
    rows = [
        {
            "start": row["start"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": row["end"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "surface": named(row["surface"], SURFACE_NAMES),
            "calls": row["call_count"],
        }
        for row in frame.iter_rows(named=True)
    ]
    when = busiest[0].strftime("%d %b" if daily else "%d %b %H:%M")
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(binSpacing=0.5)
        .encode(
            x=alt.X("start:T", bin="binned", scale=alt.Scale(type="utc"), axis=_time_axis()),
            x2="end:T",
            y=alt.Y("calls:Q", stack="zero", axis=axis_y(f"calls per {word}", label=K_LABEL)),
            color=colour("surface", SURFACE_COLOURS, SURFACE_NAMES, set(frame["surface"]), below_title=True),
            tooltip=[
                alt.Tooltip("surface:N"),
                alt.Tooltip("utchoursminutes(start):T", title="from (UTC)"),
                alt.Tooltip("calls:Q", format=",d"),
            ],
        )
    )
    return finish(bars, title=f"Load peaks in the {word} of {when} UTC; that peak sizes the fleet", height=260)


def mix_by_surface(card: pl.DataFrame) -> alt.LayerChart:
    """Prompt length from median to 99th percentile, by surface.

    Args:
        card: The workload card; the row `all` is left out.
    """
    frame = card.filter(pl.col("surface").cast(pl.String) != "all").filter(pl.col("input_p50_tokens") > 0)
    rows = [
        {
            "surface": named(str(row["surface"]), SURFACE_NAMES),
            **{p: row[f"input_{p}_tokens"] for p in ("p50", "p90", "p99")},
        }
        for row in frame.iter_rows(named=True)
    ]
    present = {str(surface) for surface in frame["surface"]}
    order = scale(SURFACE_COLOURS, SURFACE_NAMES, present)[0]
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("surface:N", sort=order, axis=names_axis()),
        color=colour("surface", SURFACE_COLOURS, SURFACE_NAMES, present, legend=False),
        tooltip=["surface:N"]
        + [alt.Tooltip(f"{p}:Q", format=",.3s", title=f"{p} tokens") for p in ("p50", "p90", "p99")],
    )
    low, high = min(row["p50"] for row in rows) * 0.75, max(row["p99"] or row["p50"] for row in rows) * 1.1
    x = alt.X(
        "p50:Q",
        scale=alt.Scale(type="log", nice=False, domain=[low, high]),
        axis=axis_x("prompt tokens, log scale", label=K_LABEL, values=_round_numbers(low, high)),
    )
    bars = base.mark_rule(strokeWidth=9, opacity=0.35).encode(x=x, x2="p99:Q")
    inner = base.mark_rule(strokeWidth=9, opacity=0.65).encode(x=x, x2="p90:Q")
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(x=x)
    return finish(
        layer(bars, inner, dots),
        title="Prompt length by surface: point = median, dark bar to p90, light bar to p99",
        height={"step": 30},
    )


def context_growth(growth: pl.DataFrame, surface: str, *, top_tokens: float | None = None) -> alt.LayerChart:
    """Prompt tokens by step of a session, median line and band to the 90th percentile, of one surface.

    Args:
        growth: Contract ContextGrowth.
        surface: Which surface to draw.
        top_tokens: Upper end of the axis, to compare surfaces side by side.
    """
    frame = _weighted_by_step(growth.filter(pl.col("surface").cast(pl.String) == surface))
    order = frame["step_band"].to_list()
    ceiling = alt.Scale(domain=[0, top_tokens]) if top_tokens else alt.Scale(zero=True)
    base = alt.Chart(inline(frame.to_dicts())).encode(
        x=alt.X("step_band:O", sort=order, axis=axis_x("call of the session", labelAngle=0)),
        tooltip=[
            alt.Tooltip("step_band:O", title="call"),
            alt.Tooltip("p50:Q", format=",.3s", title="median tokens"),
            alt.Tooltip("p90:Q", format=",.3s", title="p90 tokens"),
            alt.Tooltip("calls:Q", format=",d"),
        ],
    )
    paint = SURFACE_COLOURS.get(surface, "#8b929c")
    y = alt.Y("p50:Q", scale=ceiling, axis=axis_y("prompt tokens", label=K_LABEL, ticks=4))
    band = base.mark_area(opacity=0.22, color=paint).encode(y=y, y2="p90:Q")
    line = base.mark_line(color=paint, strokeWidth=2.2, point=alt.OverlayMarkDef(color=paint, size=34)).encode(y=y)
    return finish(layer(band, line), title=named(surface, SURFACE_NAMES), height=150)


def _round_numbers(low: float, high: float) -> list[float]:
    """The 1, 2 and 5 of each decade inside a range."""
    return [lead * 10.0**power for power in range(9) for lead in (1, 2, 5) if low <= lead * 10.0**power <= high]


def _weighted_by_step(growth: pl.DataFrame) -> pl.DataFrame:
    """Percentiles of several days as their call-weighted mean."""
    weighted = [
        ((pl.col(name) * pl.col("call_count")).sum() / pl.col("call_count").sum()).alias(short)
        for name, short in (("input_p50_tokens", "p50"), ("input_p90_tokens", "p90"))
    ]
    return (
        growth.drop_nulls(["input_p50_tokens", "input_p90_tokens"])
        .filter(pl.col("call_count") > 0)
        .group_by("step_band", "step_order")
        .agg(*weighted, calls=pl.col("call_count").sum())
        .sort("step_order")
        .select("step_band", "p50", "p90", "calls")
    )


def _time_axis() -> alt.Axis:
    return alt.Axis(
        title="time (UTC)",
        tickCount=8,
        labelExpr="utchours(datum.value) == 0 && utcminutes(datum.value) == 0 ? "
        "utcFormat(datum.value, '%d %b') : utcFormat(datum.value, '%H:%M')",
        grid=False,
    )
