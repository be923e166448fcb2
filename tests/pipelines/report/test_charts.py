"""Every chart compiles to a small picture and says the right thing."""

import struct
from collections.abc import Callable

import altair as alt
import polars as pl
import pytest

from pipelines.report import chart_png, charts
from pipelines.report.charts.designs import pareto_front
from pipelines.report.charts.hotspots import roofline_points
from pipelines.report.charts.placement import Anchor, place
from pipelines.report.content import ReportContent
from pipelines.report.picture import PICTURE_LIMIT_BYTES
from pipelines.report.sections.reuse import pooled_reuse
from tests.pipelines.report.sample_content import sample_content

CONTENT = sample_content()
RUNS = pl.DataFrame(
    {
        "run_id": ["first", "second"],
        "started_at": ["2026-11-01", "2026-11-02"],
        "checked_count": [12, 14],
        "inside_ratio": [0.8, 0.9],
        "mean_error_ratio": [0.07, 0.05],
    }
)
MAKERS: dict[str, Callable[[ReportContent], alt.LayerChart]] = {
    "attribution": lambda c: charts.attribution(c.recommendations[0].attribution),
    "cache_life": lambda c: charts.cache_life(c.cache_life, wanted_ratio=0.9, title="What a longer life keeps"),
    "bill_shift": lambda c: charts.bill_shift(c.recommendations[0].bill_shift),
    "context_growth": lambda c: charts.context_growth(c.growth, "codex_loop"),
    "context_trend": lambda c: charts.context_trend(c.context_trend, title="How fast prompts grow"),
    "demand_forecast": lambda c: charts.demand_forecast(c.forecast, title="What is coming"),
    "four_curves": lambda c: charts.four_curves(c.recommendations[0].curves),
    "gain_parts": lambda c: charts.gain_parts(c.explanation.parts, title="HBM stacks make most of the gain"),
    "regret_heatmap": lambda c: charts.regret_heatmap(
        c.explanation.regret.filter(method="replay"), title="Who gives least away"
    ),
    "tornado": lambda c: charts.tornado(
        c.explanation.elasticities.filter(scenario="today", at="baseline"), title="HBM stacks move value most"
    ),
    "hits_by_idle_time": lambda c: charts.hits_by_idle_time(
        pooled_reuse(c.reuse, "idle_low_s", "idle_high_s"), title="Held by the cache"
    ),
    "hotspots_by_surface": lambda c: charts.hotspots_by_surface(c.hotspots),
    "interactivity_front": lambda c: charts.interactivity_front(
        c.interactivity.filter(pl.col("llm") == "gpt-oss-120b"), "tokens_per_usd", "h100-sxm"
    ),
    "prediction_history": lambda _: charts.prediction_history(RUNS, title="How predictions turned out"),
    "limits_used": lambda c: charts.limits_used(c.recommendations[0].limits),
    "load_by_hour": lambda c: charts.load_by_hour(c.load),
    "mix_by_surface": lambda c: charts.mix_by_surface(c.card),
    "pareto": lambda c: charts.pareto(c.designs),
    "predicted_against_reevaluated": lambda c: charts.predicted_against_reevaluated(c.calibration),
    "roofline": lambda c: charts.roofline(c.hotspots, c.roofs),
    "stalls_by_cause": lambda c: charts.stalls_by_cause(c.stalls),
    "survival": lambda c: charts.survival(c.abandonment, c.thresholds, "long_context_chat", longest_s=32.0),
    "waits_by_surface": lambda c: charts.waits_by_surface(c.waits),
}


def test_every_public_chart_is_tried_here() -> None:
    assert set(MAKERS) == set(charts.__all__)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_chart_follows_the_schema_and_compiles_to_a_small_picture(name: str) -> None:
    chart = MAKERS[name](CONTENT)
    spec = chart.to_dict(validate=True)
    assert len(spec["title"]) > 8
    png = chart_png(chart)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(png) <= PICTURE_LIMIT_BYTES
    width, height = struct.unpack(">II", png[16:24])
    assert width >= 700
    assert height >= 100


def test_roofline_points_lie_under_the_lowest_roof_that_made_them() -> None:
    for point in roofline_points(CONTENT.hotspots):
        assert point["rate"] <= min(989e12, point["intensity"] * 3.35e12) * (1 + 1e-9)


def test_pareto_front_holds_exactly_the_designs_that_none_beats() -> None:
    rows = CONTENT.designs.to_dicts()
    x, y = "value_per_w_ratio", "value_per_usd_ratio"
    unbeaten = {
        (a[x], a[y])
        for a in rows
        if not any(b[x] >= a[x] and b[y] >= a[y] and (b[x], b[y]) != (a[x], a[y]) for b in rows)
    }
    assert {(p[x], p[y]) for p in pareto_front(rows)} == unbeaten


def test_placed_labels_do_not_lie_on_each_other() -> None:
    anchors = [Anchor(x=100.0, y=100.0 + 6.0 * k, text="label") for k in range(3)]
    sides = place(anchors, [(a.x, a.y) for a in anchors], width=400.0)
    assert None not in sides
    assert len(set(sides)) == 3
