"""Charts of the bill of kernels: who causes it, and where each kernel stands under the roofs."""

import math
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import (
    K_LABEL,
    PERCENT_LABEL,
    axis_x,
    axis_y,
    colour,
    finish,
    inline,
    layer,
    names_axis,
)
from pipelines.report.charts.placement import SIDES, Anchor, place
from pipelines.report.formats import percent, scaled, seconds
from pipelines.report.palette import BINDING_COLOURS, BINDING_NAMES, SURFACE_COLOURS, SURFACE_NAMES, named

_KERNELS_SHOWN = 12
_LABELS_SHOWN = 8
_PLOT_WIDTH, _PLOT_HEIGHT = 860.0, 400.0


def hotspots_by_surface(hotspots: pl.DataFrame) -> alt.LayerChart:
    """Share of the bill's dollars by kernel, split by the surface that caused it.

    Args:
        hotspots: Contract KernelHotspots.
    """
    total_usd = hotspots["cost_usd"].sum() or 1.0
    frame = (
        hotspots.with_columns(pl.col("surface", "kernel", "llm").cast(pl.String))
        .group_by("kernel", "surface")
        .agg(share=pl.col("cost_usd").sum() / total_usd)
        .with_columns(whole=pl.col("share").sum().over("kernel"))
        .sort("whole", "kernel", "surface", descending=[True, False, False])
    )
    kernels = frame["kernel"].unique(maintain_order=True).to_list()[:_KERNELS_SHOWN]
    frame = frame.filter(pl.col("kernel").is_in(kernels))
    surfaces = list(SURFACE_COLOURS)
    rows = [
        {
            "kernel": row["kernel"],
            "surface": named(row["surface"], SURFACE_NAMES),
            "share": row["share"],
            "order": surfaces.index(row["surface"]) if row["surface"] in surfaces else len(surfaces),
        }
        for row in frame.iter_rows(named=True)
    ]
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(height={"band": 0.74})
        .encode(
            y=alt.Y("kernel:N", sort=kernels, axis=names_axis()),
            x=alt.X("share:Q", stack="zero", axis=axis_x("share of the bill in dollars", label=PERCENT_LABEL)),
            color=colour("surface", SURFACE_COLOURS, SURFACE_NAMES, set(frame["surface"])),
            order=alt.Order("order:Q"),
            tooltip=["kernel:N", "surface:N", alt.Tooltip("share:Q", format=".1%", title="share of bill")],
        )
    )
    lead = frame.filter(pl.col("kernel").is_in(kernels[:3]))["share"].to_list()
    title = f"Three kernels carry {percent(sum(lead))} of the bill; colours tell which surface caused it"
    return finish(bars, title=title, height={"step": 24})


def roofline(hotspots: pl.DataFrame, roofs: pl.DataFrame) -> alt.LayerChart:
    """Attained arithmetic rate against arithmetic intensity of each kernel under the chip's roofs, log-log.

    Args:
        hotspots: Contract KernelHotspots; work and time are per rank, so the rate is one chip's.
        roofs: Columns roof, flop_per_s (null for bandwidth), bytes_per_s (null for compute).
    """
    points = roofline_points(hotspots)
    compute = roofs.drop_nulls("flop_per_s").sort("flop_per_s", descending=True).to_dicts()
    memory = roofs.drop_nulls("bytes_per_s").sort("bytes_per_s", descending=True).to_dicts()
    xs = [point["intensity"] for point in points]
    rates = [point["rate"] for point in points] + [roof["flop_per_s"] for roof in compute]
    ridges = [roof["flop_per_s"] / band["bytes_per_s"] for roof in compute for band in memory]
    x_low, x_high = _decade(min(xs + ridges), -1), _decade(max(xs + ridges), 1)
    y_low, y_high = _decade(min(rates), -1), max(rates) * 2.2
    frame = {"x": (x_low, x_high), "y": (y_low, y_high)}
    x = alt.X(
        "intensity:Q",
        scale=alt.Scale(type="log", domain=[x_low, x_high], nice=False),
        axis=axis_x(
            "arithmetic intensity, FLOP per byte of HBM traffic (log scale)",
            label=K_LABEL,
            values=_decades(x_low, x_high),
        ),
    )
    y = alt.Y(
        "rate:Q",
        scale=alt.Scale(type="log", domain=[y_low, y_high], nice=False),
        axis=axis_y("attained FLOP/s per chip (log scale)", label=K_LABEL, values=_decades(y_low, y_high)),
    )
    layers = [*_roof_layers(compute, memory, frame, x, y), _point_layer(points, x, y)]
    layers += _label_layers(points, frame, x, y)
    bound = sum(p["share"] for p in points if p["resource"] == BINDING_NAMES["hbm"])
    shown = sum(p["share"] for p in points) or 1.0
    title = f"{percent(bound / shown)} of the time under these roofs is bound by HBM bandwidth; size = share of time"
    return finish(layer(*layers), title=title, height=int(_PLOT_HEIGHT))


def roofline_points(hotspots: pl.DataFrame) -> list[dict[str, Any]]:
    """Kernels that do arithmetic, by LLM and kernel, longest first; the binding resource is the one of most time."""
    total_s = hotspots["time_s"].sum() or 1.0
    frame = (
        hotspots.with_columns(pl.col("binding_resource", "kernel", "llm", "phase").cast(pl.String))
        .sort("time_s", descending=True)
        .group_by("llm", "kernel", maintain_order=True)
        .agg(
            pl.col("time_s", "work_flop", "traffic_bytes", "bound_s").sum(),
            resource=pl.col("binding_resource").sort_by("time_s", descending=True).first(),
        )
        .filter((pl.col("work_flop") > 0) & (pl.col("traffic_bytes") > 0) & (pl.col("time_s") > 0))
        .sort("time_s", "llm", "kernel", descending=[True, False, False])
    )
    return [
        {
            "llm": row["llm"],
            "kernel": row["kernel"],
            "intensity": row["work_flop"] / row["traffic_bytes"],
            "rate": row["work_flop"] / row["time_s"],
            "share": row["time_s"] / total_s,
            "resource": named(row["resource"], BINDING_NAMES),
            "code": row["resource"],
            "time": seconds(row["time_s"]),
            "over": row["time_s"] / row["bound_s"] if row["bound_s"] else None,
        }
        for row in frame.iter_rows(named=True)
    ]


def _roof_layers(
    compute: list[dict[str, Any]],
    memory: list[dict[str, Any]],
    frame: dict[str, tuple[float, float]],
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    (x_low, x_high), (y_low, _) = frame["x"], frame["y"]
    top = max((roof["flop_per_s"] for roof in compute), default=frame["y"][1])
    widest = max((band["bytes_per_s"] for band in memory), default=top / x_low)
    lines, names = [], []
    for roof in compute:
        start = max(x_low, roof["flop_per_s"] / widest)
        lines += [{"roof": roof["roof"], "intensity": i, "rate": roof["flop_per_s"]} for i in (start, x_high)]
        text = f"{roof['roof']} {scaled(roof['flop_per_s'], 'FLOP/s')}"
        names.append({"text": text, "intensity": x_high, "rate": roof["flop_per_s"], "side": "right"})
    for band in memory:
        start = max(x_low, y_low / band["bytes_per_s"])
        ends = (start, top / band["bytes_per_s"])
        lines += [{"roof": band["roof"], "intensity": i, "rate": i * band["bytes_per_s"]} for i in ends]
        text = f"{band['roof']} {scaled(band['bytes_per_s'], 'B/s')}"
        names.append({"text": text, "intensity": start, "rate": start * band["bytes_per_s"], "side": "left"})
    line = alt.Chart(inline(lines)).mark_line(color="currentColor", opacity=0.5, strokeWidth=1.2)
    text_right = alt.Chart(inline([n for n in names if n["side"] == "right"])).mark_text(
        align="right", dy=-7, dx=-2, opacity=0.75
    )
    slope = -math.degrees(
        math.atan2(_PLOT_HEIGHT / math.log10(frame["y"][1] / y_low), _PLOT_WIDTH / math.log10(x_high / x_low))
    )
    text_left = alt.Chart(inline([n for n in names if n["side"] == "left"])).mark_text(
        align="left", dx=26, dy=-7, angle=slope % 360, opacity=0.75
    )
    return [
        line.encode(x=x, y=y, detail="roof:N"),
        text_right.encode(x=x, y=y, text="text:N"),
        text_left.encode(x=x, y=y, text="text:N"),
    ]


def _point_layer(points: list[dict[str, Any]], x: alt.X, y: alt.Y) -> alt.Chart:
    layered: alt.Chart = (
        alt.Chart(inline(points))
        .mark_point(filled=True, opacity=0.85, stroke="white", strokeWidth=0.6)
        .encode(
            x=x,
            y=y,
            size=alt.Size("share:Q", scale=alt.Scale(range=[24, 900], domainMin=0), legend=None),
            color=colour(
                "resource", BINDING_COLOURS, BINDING_NAMES, {p["code"] for p in points}, columns=4, below_title=True
            ),
            tooltip=[
                "llm:N",
                "kernel:N",
                alt.Tooltip("resource:N", title="bound by"),
                alt.Tooltip("share:Q", format=".1%", title="share of time"),
                alt.Tooltip("intensity:Q", format=".3s", title="FLOP per byte"),
                alt.Tooltip("rate:Q", format=".3s", title="FLOP/s"),
                alt.Tooltip("over:Q", format=".2f", title="time over bound"),
            ],
        )
    )
    return layered


def _label_layers(
    points: list[dict[str, Any]], frame: dict[str, tuple[float, float]], x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    def pixel(point: dict[str, Any]) -> tuple[float, float]:
        (x_low, x_high), (y_low, y_high) = frame["x"], frame["y"]
        across = math.log(point["intensity"] / x_low) / math.log(x_high / x_low)
        up = math.log(point["rate"] / y_low) / math.log(y_high / y_low)
        return across * _PLOT_WIDTH, (1 - up) * _PLOT_HEIGHT

    first: dict[str, dict[str, Any]] = {}
    for point in points:
        first.setdefault(point["kernel"], point)
    top = list(first.values())[:_LABELS_SHOWN]
    anchors = [Anchor(x=pixel(p)[0], y=pixel(p)[1], text=p["kernel"]) for p in top]
    sides = place(anchors, [pixel(p) for p in points], width=_PLOT_WIDTH)
    return labels_by_side(top, sides, x, y, field="kernel")


def labels_by_side(
    points: list[dict[str, Any]], sides: list[int | None], x: alt.X, y: alt.Y, *, field: str
) -> list[alt.Chart]:
    """One text layer for each side on which labels were placed."""
    layers = []
    for index, (_, dx, dy, align) in enumerate(SIDES):
        here = [point for point, side in zip(points, sides, strict=True) if side == index]
        if here:
            mark = alt.Chart(inline(here)).mark_text(align=align, dx=dx, dy=dy, baseline="middle", fontWeight=600)  # type: ignore[arg-type]
            layers.append(mark.encode(x=x, y=y, text=f"{field}:N"))
    return layers


def _decades(low: float, high: float) -> list[float]:
    """The powers of ten inside a range."""
    return [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]


def _decade(value: float, direction: int) -> float:
    """A round number a little outside the value: half a decade of air."""
    return float(value * 10 ** (0.35 * direction))
