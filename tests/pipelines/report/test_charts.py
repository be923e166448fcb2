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
from pipelines.report.charts.waits import pooled_hazard
from pipelines.report.content import ReportContent
from pipelines.report.picture import PICTURE_LIMIT_BYTES
from tests.pipelines.report.sample_content import sample_content

CONTENT = sample_content()
MAKERS: dict[str, Callable[[ReportContent], alt.LayerChart]] = {
    "abandonment": lambda c: charts.abandonment(c.abandonment, "codex_loop"),
    "attribution": lambda c: charts.attribution(c.recommendations[0].attribution),
    "bill_shift": lambda c: charts.bill_shift(c.recommendations[0].bill_shift),
    "context_growth": lambda c: charts.context_growth(c.growth, "codex_loop"),
    "four_curves": lambda c: charts.four_curves(c.recommendations[0].curves),
    "hotspots_by_surface": lambda c: charts.hotspots_by_surface(c.hotspots),
    "limits_used": lambda c: charts.limits_used(c.recommendations[0].limits),
    "load_by_hour": lambda c: charts.load_by_hour(c.load),
    "mix_by_surface": lambda c: charts.mix_by_surface(c.card),
    "pareto": lambda c: charts.pareto(c.designs),
    "predicted_against_reevaluated": lambda c: charts.predicted_against_reevaluated(c.calibration),
    "roofline": lambda c: charts.roofline(c.hotspots, c.roofs),
    "stalls_by_cause": lambda c: charts.stalls_by_cause(c.stalls),
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


def test_pooled_hazard_is_wilsons_interval() -> None:
    curve = pl.DataFrame(
        {"wait_low_s": [1.0, 1.0], "wait_high_s": [2.0, 2.0], "at_risk_count": [60, 40], "left_count": [6, 4]}
    )
    (row,) = pooled_hazard(curve)
    # Wilson score interval of 10 out of 100 at 95 %: 0.0552 to 0.1744 (Newcombe 1998)
    assert row["low"] == pytest.approx(0.0552, abs=1e-4)
    assert row["high"] == pytest.approx(0.1744, abs=1e-4)
    assert str(row["wait"]).replace("\N{NO-BREAK SPACE}", " ") == "1\N{EN DASH}2 s"


def test_placed_labels_do_not_lie_on_each_other() -> None:
    anchors = [Anchor(x=100.0, y=100.0 + 6.0 * k, text="label") for k in range(3)]
    sides = place(anchors, [(a.x, a.y) for a in anchors], width=400.0)
    assert None not in sides
    assert len(set(sides)) == 3
