"""Charts of the explanation: parts of a gain, the tornado of elasticities, the heatmap of regret."""

from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import GAIN_LABEL, axis_x, finish, inline, layer, names_axis
from pipelines.report.formats import gain, percent
from pipelines.report.palette import BASELINE_RULE

_MORE, _LESS, _WHOLE = "#4c7fd0", "#d8733a", "#8b929c"
_TORNADO_SHOWN = 14


def gain_parts(parts: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """The waterfall of a gain: Shapley parts one after another, then the whole.

    Args:
        parts: Rows of one finalist: change, shapley_ratio, whole_ratio.
        title: The sentence above.
    """
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for row in parts.sort("shapley_ratio", descending=True).iter_rows(named=True):
        part = row["shapley_ratio"]
        rows.append(_bar(row["change"], reached, reached + part, part, _MORE if part >= 0.0 else _LESS))
        reached += part
    rows.append(_bar("whole gain", 0.0, reached, reached, _WHOLE))
    ends = [0.0, *(row[key] for row in rows for key in ("low", "high"))]
    air = 0.18 * ((max(ends) - min(ends)) or 0.1)
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=[min(ends) - air / 3.0, max(ends) + air], nice=False),
        axis=axis_x("gain in value per dollar, closed form", label=GAIN_LABEL, ticks=5),
    )
    base = alt.Chart(inline(rows)).encode(y=alt.Y("change:N", sort=[row["change"] for row in rows], axis=names_axis()))
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=x,
        x2="high:Q",
        color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=["change:N", alt.Tooltip("label:N", title="share of the gain")],
    )
    text = base.mark_text(align="left", dx=5).encode(x=alt.X("edge:Q"), text="label:N")
    return finish(layer(bars, text), title=title, height={"step": 30})


def tornado(elasticities: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Elasticities to either side of one design in one scenario, with their silicon intervals.

    Args:
        elasticities: Rows of one scenario and design: label, side, elasticity, low, high, gain_ratio, is_feasible.
        title: The sentence above.
    """
    known = elasticities.drop_nulls("elasticity")
    order = (known.group_by("label").agg(size=pl.col("elasticity").abs().max()).sort("size", "label", descending=True))[
        "label"
    ].to_list()[:_TORNADO_SHOWN]
    rows = [
        {
            "parameter": row["label"],
            "side": "a step more" if row["side"] == "more" else "a step less",
            "elasticity": row["elasticity"],
            "low": row["low"],
            "high": row["high"],
            "gain": gain(row["gain_ratio"]),
            "legal": "inside the limits" if row["is_feasible"] else "beyond a limit",
        }
        for row in known.filter(pl.col("label").is_in(order)).iter_rows(named=True)
    ]
    sides = ["a step less", "a step more"]
    ends = [row[key] for row in rows for key in ("low", "high")]
    low, high = min(0.0, *ends), max(0.0, *ends)
    x = alt.X(
        "elasticity:Q",
        scale=alt.Scale(domain=[low * 1.05, high * 1.05]),
        axis=axis_x("value per dollar per parameter, % per %", ticks=5, labelBound=True),
    )
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("parameter:N", sort=order, axis=names_axis()),
        yOffset=alt.YOffset("side:N", sort=sides),
        tooltip=[
            "parameter:N",
            "side:N",
            alt.Tooltip("elasticity:Q", format=".2f"),
            alt.Tooltip("gain:N", title="gain of the step"),
            alt.Tooltip("legal:N", title="stepped design"),
        ],
    )
    bars = base.mark_bar().encode(
        x=x,
        color=alt.Color(
            "side:N",
            title=None,
            scale=alt.Scale(domain=sides, range=[_LESS, _MORE]),
            legend=alt.Legend(orient="top", direction="horizontal", symbolType="square", offset=12),
        ),
        opacity=alt.condition("datum.legal == 'inside the limits'", alt.value(1.0), alt.value(0.35)),
    )
    whiskers = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(x=alt.X("low:Q"), x2="high:Q")
    none = alt.Chart(inline([{"elasticity": 0.0}])).mark_rule(color=BASELINE_RULE).encode(x=x)
    return finish(layer(none, bars, whiskers), title=title, height={"step": 16})


def regret_heatmap(regret: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Regret by design and scenario of one method.

    Args:
        regret: design, scenario, regret_ratio, rank; rows in the order in which they are drawn.
        title: The sentence above.
    """
    designs = regret["design"].unique(maintain_order=True).to_list()
    scenarios = regret["scenario"].unique(maintain_order=True).to_list()
    rows = [
        {
            "design": row["design"],
            "scenario": row["scenario"],
            "regret": row["regret_ratio"],
            "label": percent(row["regret_ratio"]),
            "dark": row["regret_ratio"] > 0.45,
            "rank": row["rank"],
        }
        for row in regret.iter_rows(named=True)
    ]
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("scenario:N", sort=scenarios, axis=alt.Axis(title=None, labelAngle=-30, ticks=False, domain=False)),
        y=alt.Y("design:N", sort=designs, axis=names_axis()),
        tooltip=["design:N", "scenario:N", alt.Tooltip("label:N", title="given away"), alt.Tooltip("rank:Q")],
    )
    cells = base.mark_rect(stroke="currentColor", strokeOpacity=0.15).encode(
        color=alt.Color("regret:Q", scale=alt.Scale(domain=[0.0, 1.0], range=["#f3ece2", "#a8322c"]), legend=None)
    )
    text = base.mark_text(fontSize=11).encode(
        text="label:N", color=alt.condition("datum.dark", alt.value("#ffffff"), alt.value("#222222"))
    )
    return finish(layer(cells, text), title=title, height={"step": 30})


def _bar(change: str, start: float, stop: float, part: float, colour: str) -> dict[str, Any]:
    low, high = sorted((start, stop))
    return {"change": change, "low": low, "high": high, "edge": high, "label": gain(part), "colour": colour}
