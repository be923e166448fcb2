"""Charts of one recommended design: its four curves, the limits it uses up, where the bill moves, which change pays."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import (
    GAIN_LABEL,
    ONLY_WIDE,
    PERCENT_LABEL,
    axis_x,
    colour,
    finish,
    inline,
    layer,
    names_axis,
)
from pipelines.report.formats import gain, percent, quantity, ratio
from pipelines.report.palette import (
    ACCENT,
    BEFORE_AFTER_COLOURS,
    BINDING_COLOURS,
    BINDING_NAMES,
    CURVE_NAMES,
    named,
)

_KERNELS_SHOWN = 8


def four_curves(curves: dict[str, float]) -> alt.LayerChart:
    """The ratio of each value curve to the baseline's, as bars from 1.

    Args:
        curves: Ratio by name of the curve.
    """
    rows = [
        {"curve": named(name, CURVE_NAMES), "gain": value - 1.0, "label": ratio(value), "better": value >= 1.0}
        for name, value in curves.items()
    ]
    reach = max(abs(value - 1.0) for value in curves.values()) or 0.1
    low = min(0.0, *(value - 1.0 for value in curves.values()))
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("curve:N", sort=[named(name, CURVE_NAMES) for name in curves], axis=names_axis()),
        x=alt.X(
            "gain:Q",
            scale=alt.Scale(domain=[low * 1.35, reach * 1.3]),
            axis=axis_x("change against the baseline", label=GAIN_LABEL, ticks=4),
        ),
    )
    bars = base.mark_bar(height={"band": 0.62}).encode(
        color=alt.condition("datum.better", alt.value("#5b9f76"), alt.value("#c4544e"))
    )
    text = (
        base.mark_text(align="left", dx=5)
        .encode(text="label:N", x=alt.X("edge:Q"))
        .transform_calculate(edge="max(datum.gain, 0)")
    )
    best = max(curves, key=lambda name: curves[name])
    return finish(
        layer(bars, text),
        title=f"Of the four curves, {named(best, CURVE_NAMES)} gains most ({gain(curves[best] - 1.0)})",
        height={"step": 28},
    )


def limits_used(limits: pl.DataFrame) -> alt.LayerChart:
    """How much of each design limit is used up, with the cap at 100 %.

    Args:
        limits: Columns limit, used, cap, unit, used_ratio.
    """
    rows = [
        {
            "limit": row["limit"],
            "used_ratio": row["used_ratio"],
            "label": f"{quantity(row['used'], row['unit'])} of {quantity(row['cap'], row['unit'])}",
            "full": row["used_ratio"] > 0.97,
        }
        for row in limits.drop_nulls("used_ratio").iter_rows(named=True)
    ]
    tightest = max(rows, key=lambda row: row["used_ratio"])
    base = alt.Chart(inline(rows)).encode(y=alt.Y("limit:N", sort=None, axis=names_axis()))
    top = max(1.0, *(row["used_ratio"] for row in rows))
    x = alt.X(
        "used_ratio:Q",
        scale=alt.Scale(domain=[0, top * 1.02]),
        axis=axis_x("share of the limit", label=PERCENT_LABEL, ticks=5),
    )
    bars = base.mark_bar(height={"band": 0.62}).encode(
        x=x, color=alt.condition("datum.full", alt.value("#c98a3a"), alt.value("#7b8fb0"))
    )
    text = base.mark_text(align="left", dx=6, color="white", fontWeight=600).encode(x=alt.datum(0), text="label:N")
    text = text.properties(name=f"{ONLY_WIDE}limits")
    cap = alt.Chart(inline([{"cap": 1.0}])).mark_rule(color=ACCENT, strokeWidth=2).encode(x=alt.X("cap:Q"))
    title = f"The tightest limit is {tightest['limit']}: {percent(tightest['used_ratio'])} used (line = cap)"
    return finish(layer(bars, text, cap), title=title, height={"step": 28})


def bill_shift(shift: pl.DataFrame) -> alt.LayerChart:
    """Share of the bill by kernel before and after the change, coloured by binding resource.

    Args:
        shift: Columns kernel, binding_resource, baseline_share_ratio, design_share_ratio.
    """
    frame = shift.with_columns(pl.col("kernel", "binding_resource").cast(pl.String))
    order = (
        frame.group_by("kernel")
        .agg(top=pl.max_horizontal(pl.col("baseline_share_ratio").sum(), pl.col("design_share_ratio").sum()))
        .sort("top", "kernel", descending=[True, False])["kernel"]
        .to_list()[:_KERNELS_SHOWN]
    )
    rows = [
        {
            "kernel": row["kernel"],
            "resource": named(row["binding_resource"], BINDING_NAMES),
            "when": when,
            "share": row[column],
        }
        for row in frame.filter(pl.col("kernel").is_in(order)).iter_rows(named=True)
        for when, column in (("before", "baseline_share_ratio"), ("after", "design_share_ratio"))
    ]
    bars = (
        alt.Chart(inline(rows))
        .mark_bar()
        .encode(
            y=alt.Y("kernel:N", sort=order, axis=names_axis()),
            yOffset=alt.YOffset("when:N", sort=["before", "after"]),
            x=alt.X("share:Q", stack="zero", axis=axis_x("share of the bill", label=PERCENT_LABEL, ticks=5)),
            color=colour("resource", BINDING_COLOURS, BINDING_NAMES, set(frame["binding_resource"]), columns=2),
            opacity=alt.condition("datum.when == 'before'", alt.value(0.45), alt.value(1.0)),
            tooltip=[
                "kernel:N",
                "when:N",
                alt.Tooltip("resource:N", title="bound by"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return finish(bars, title=_shift_title(frame), height={"step": 14})


def attribution(parts: pl.DataFrame) -> alt.LayerChart:
    """What each change buys alone, and what is lost without it.

    Args:
        parts: Columns parameter, label, gain_alone_ratio (add-one), gain_lost_ratio (drop-one).
    """
    columns = (("gain if added alone", "gain_alone_ratio"), ("gain lost if dropped", "gain_lost_ratio"))
    rows = [
        {"label": row["label"], "which": which, "gain": row[column], "text": gain(row[column])}
        for row in parts.iter_rows(named=True)
        for which, column in columns
        if row[column] is not None
    ]
    gains = [row["gain"] for row in rows]
    low, high = min(0.0, *gains), max(0.0, *gains) or 0.01
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("label:N", sort=None, axis=names_axis()),
        yOffset=alt.YOffset("which:N", sort=[which for which, _ in columns]),
    )
    x = alt.X(
        "gain:Q",
        scale=alt.Scale(domain=[low * 1.2, high + 0.22 * (high - low)]),
        axis=axis_x("value per dollar against the baseline", label=GAIN_LABEL, ticks=5),
    )
    bars = base.mark_bar().encode(
        x=x, color=colour("which", BEFORE_AFTER_COLOURS, {}, set(BEFORE_AFTER_COLOURS), columns=1)
    )
    text = base.mark_text(align="left", dx=5).transform_calculate(edge="max(datum.gain, 0)")
    lead = max(parts.iter_rows(named=True), key=lambda row: row["gain_lost_ratio"] or 0.0)
    title = f"Dropping {lead['label']} costs most: {gain(-(lead['gain_lost_ratio'] or 0.0))}"
    return finish(layer(bars, text.encode(x="edge:Q", text="text:N")), title=title, height={"step": 18})


def _shift_title(frame: pl.DataFrame) -> str:
    moved = (
        frame.group_by("binding_resource")
        .agg(pl.col("baseline_share_ratio", "design_share_ratio").sum())
        .with_columns(move=(pl.col("design_share_ratio") - pl.col("baseline_share_ratio")).abs())
        .sort("move", "binding_resource", descending=[True, False])
        .row(0, named=True)
    )
    before, after = percent(moved["baseline_share_ratio"]), percent(moved["design_share_ratio"])
    name = named(moved["binding_resource"], BINDING_NAMES)
    return f"Kernels bound by {name} go from {before} of the bill to {after} (pale = before)"
