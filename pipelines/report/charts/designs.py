"""Charts of the design space: all designs against the real chips, and predictions against re-evaluations."""

from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import axis_x, axis_y, colour, finish, inline, layer
from pipelines.report.charts.hotspots import labels_by_side
from pipelines.report.charts.placement import Anchor, place
from pipelines.report.formats import percent
from pipelines.report.palette import BASELINE_RULE, DESIGN_COLOURS

_RATIO_LABEL = "format(datum.value, '~g') + '\N{MULTIPLICATION SIGN}'"
_PLOT_WIDTH, _PLOT_HEIGHT = 860.0, 420.0


def pareto(designs: pl.DataFrame) -> alt.LayerChart:
    """Value per dollar against value per watt of every design, over the baseline at (1, 1).

    Args:
        designs: design_id, label, kind, evaluated, value_per_usd_ratio, value_per_w_ratio, low_ratio, high_ratio.
    """
    rows = _design_rows(designs)
    xs = [row["value_per_w_ratio"] for row in rows] + [1.0]
    ys = [row["value_per_usd_ratio"] for row in rows] + [1.0]
    ys += [row[end] for row in rows for end in ("low_ratio", "high_ratio") if row[end] is not None]
    span = {"x": _padded(xs), "y": _padded(ys)}
    x = alt.X(
        "value_per_w_ratio:Q",
        scale=alt.Scale(domain=list(span["x"]), nice=False),
        axis=axis_x("value per watt over the baseline", label=_RATIO_LABEL),
    )
    y = alt.Y(
        "value_per_usd_ratio:Q",
        scale=alt.Scale(domain=list(span["y"]), nice=False),
        axis=axis_y("value per dollar over the baseline", label=_RATIO_LABEL),
    )
    base = alt.Chart(inline(rows)).encode(x=x, tooltip=_design_tooltip())
    tint = colour("kind", DESIGN_COLOURS, {}, {row["kind"] for row in rows}, columns=4, below_title=True)
    rules = base.transform_filter("isValid(datum.low_ratio)").mark_rule(opacity=0.35, strokeWidth=1.2)
    dots = base.mark_point(filled=True, opacity=0.9, stroke="white", strokeWidth=0.5)
    front = alt.Chart(inline(pareto_front(rows))).mark_line(
        interpolate="step-before", color="currentColor", opacity=0.35, strokeDash=[4, 3], strokeWidth=1.2
    )
    layers = [
        *_crosshair(x, y),
        front.encode(x=x, y=y),
        rules.encode(y=alt.Y("low_ratio:Q"), y2="high_ratio:Q", color=tint),
        dots.encode(y=y, color=tint, size=alt.Size("size:Q", scale=None), shape=_shape()),
        *_design_labels(rows, span, x, y),
    ]
    return finish(layer(*layers), title=_pareto_title(rows), height=int(_PLOT_HEIGHT))


def pareto_front(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The designs that no other beats in both value per watt and value per dollar, by rising value per watt."""
    best: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: (-r["value_per_w_ratio"], -r["value_per_usd_ratio"])):
        if not best or row["value_per_usd_ratio"] > best[-1]["value_per_usd_ratio"]:
            best.append(row)
    keep = ("value_per_w_ratio", "value_per_usd_ratio")
    return [{key: row[key] for key in keep} for row in reversed(best)]


def predicted_against_reevaluated(calibration: pl.DataFrame) -> alt.LayerChart:
    """Predicted value per dollar with its emulator interval against the full replay's.

    Args:
        calibration: design_id, label, purpose, predicted_ratio, low_ratio, high_ratio, evaluated_ratio, inside.
    """
    rows = [
        {**row, "held": "inside the interval" if row["inside"] else "outside the interval"}
        for row in calibration.drop_nulls(["predicted_ratio", "evaluated_ratio"]).iter_rows(named=True)
    ]
    ends = [row[key] for row in rows for key in ("low_ratio", "high_ratio", "evaluated_ratio") if row[key] is not None]
    low, high = _padded(ends)
    limits = alt.Scale(domain=[low, high], nice=False)
    x = alt.X(
        "evaluated_ratio:Q",
        scale=limits,
        axis=axis_x("re-evaluated value per dollar over the baseline", label=_RATIO_LABEL),
    )
    y = alt.Y(
        "predicted_ratio:Q",
        scale=limits,
        axis=axis_y("predicted value per dollar over the baseline", label=_RATIO_LABEL),
    )
    held = {"inside the interval": "#4c7fd0", "outside the interval": "#d8553a"}
    tint = colour("held", held, {}, {str(row["held"]) for row in rows}, below_title=True)
    base = alt.Chart(inline(rows)).encode(
        x=x,
        color=tint,
        tooltip=["label:N", "purpose:N"]
        + [alt.Tooltip(f"{f}:Q", format=".3f") for f in ("predicted_ratio", "evaluated_ratio")],
    )
    line = alt.Chart(inline([{"evaluated_ratio": e, "predicted_ratio": e} for e in (low, high)])).mark_line(
        color="currentColor", opacity=0.4, strokeDash=[4, 3], strokeWidth=1.2
    )
    rules = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(
        y=alt.Y("low_ratio:Q", scale=limits), y2="high_ratio:Q"
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(y=y)
    inside = sum(bool(row["inside"]) for row in rows)
    title = f"{inside} of {len(rows)} re-evaluated designs lie inside their predicted interval (dashed = equal)"
    return finish(layer(line.encode(x=x, y=y), rules, dots), title=title, height=340)


def _design_rows(designs: pl.DataFrame) -> list[dict[str, Any]]:
    order = list(DESIGN_COLOURS)
    sizes = {"candidate": 34, "real chip": 90, "baseline": 110, "recommended": 130}
    known = designs.drop_nulls(["value_per_usd_ratio", "value_per_w_ratio"]).with_columns(
        pl.col("kind", "label").cast(pl.String)
    )
    rows = [{**row, "size": sizes.get(row["kind"], 40)} for row in known.iter_rows(named=True)]
    draw_order = ["candidate", "real chip", "baseline", "recommended"]
    return sorted(
        (row for row in rows if row["kind"] in order), key=lambda r: (draw_order.index(r["kind"]), str(r["design_id"]))
    )


def _pareto_title(rows: list[dict[str, Any]]) -> str:
    better = [row for row in rows if row["value_per_usd_ratio"] > 1 and row["value_per_w_ratio"] > 1]
    share = percent(len(better) / len(rows)) if rows else percent(0.0)
    return f"{share} of the designs beat the baseline on both dollars and watts (upper right of the cross)"


def _design_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="design"),
        alt.Tooltip("kind:N"),
        alt.Tooltip("evaluated:N", title="fully replayed"),
        alt.Tooltip("value_per_usd_ratio:Q", format=".3f", title="value per $"),
        alt.Tooltip("value_per_w_ratio:Q", format=".3f", title="value per W"),
        alt.Tooltip("low_ratio:Q", format=".3f", title="value per $, at least"),
        alt.Tooltip("high_ratio:Q", format=".3f", title="value per $, at most"),
    ]


def _shape() -> alt.Shape:
    kinds = list(DESIGN_COLOURS)
    return alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=["square", "diamond", "circle", "circle"]), legend=None
    )


def _crosshair(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    one = alt.Chart(inline([{"value_per_w_ratio": 1.0, "value_per_usd_ratio": 1.0}]))
    mark = {"color": BASELINE_RULE, "opacity": 0.7, "strokeWidth": 1}
    return [one.mark_rule(**mark).encode(x=x), one.mark_rule(**mark).encode(y=y)]  # type: ignore[arg-type]


def _design_labels(
    rows: list[dict[str, Any]], span: dict[str, tuple[float, float]], x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    def pixel(row: dict[str, Any]) -> tuple[float, float]:
        across = (row["value_per_w_ratio"] - span["x"][0]) / (span["x"][1] - span["x"][0])
        up = (row["value_per_usd_ratio"] - span["y"][0]) / (span["y"][1] - span["y"][0])
        return across * _PLOT_WIDTH, (1 - up) * _PLOT_HEIGHT

    rank = {"recommended": 0, "baseline": 1, "real chip": 2}
    wanted = sorted((row for row in rows if row["kind"] in rank), key=lambda r: (rank[r["kind"]], str(r["design_id"])))
    anchors = [Anchor(x=pixel(row)[0], y=pixel(row)[1], text=str(row["label"])) for row in wanted]
    sides = place(anchors, [pixel(row) for row in rows], width=_PLOT_WIDTH)
    return labels_by_side(wanted, sides, x, y, field="label")


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    air = max((high - low) * 0.08, 0.01)
    return low - air, high + air
