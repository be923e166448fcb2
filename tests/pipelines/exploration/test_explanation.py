"""The explanation as a whole, on a planted demand and replays that cost nothing."""

from importlib import import_module

import polars as pl
import pytest

from hwmodel.design import Recommendation, SearchPlan, bill_of, cases_of, recommend, score, search
from pipelines.exploration.explanation import NO_CHANGE, ExplainPlan, Subject, explain
from pipelines.exploration.forecast_rows import forecast_rows
from pipelines.report import Explanation
from tests.hwmodel.design.cheap_replay import Tape, cheap, small_space
from tests.hwmodel.design.planted import planted
from warehouse.contracts import DemandForecast

REPLAYING = (
    "hwmodel.design.explain.corners",
    "hwmodel.design.explain.flips",
    "hwmodel.design.explain.software",
)


@pytest.fixture(scope="module")
def told() -> tuple[tuple[Recommendation, ...], Explanation]:
    patch = pytest.MonkeyPatch()
    scenario, space = planted(), small_space()
    made = cheap(scenario)
    made.take_over(patch)
    for name in REPLAYING:
        patch.setattr(
            import_module(name), "evaluate_many", lambda designs, asked, **_: made.evaluate_many(designs, asked)
        )
    plan = SearchPlan(first_count=4, rounds_count=1, batch_count=2, finalists_count=2)
    found = search(space, scenario, plan=plan, log=Tape(), progress=Tape())
    baseline, finalists = recommend(space, found, scenario, log=Tape(), progress=Tape())
    bill = bill_of(made.real)[0]
    cases, lacking = cases_of(scenario, forecast_rows(DemandForecast.create_empty()))
    subject = Subject(
        space=space,
        found=found,
        baseline=baseline,
        finalists=finalists,
        named=(),
        bills=dict.fromkeys([baseline.design.name, *(r.design.name for r in finalists)], bill),
        cases=cases,
        lacking=lacking,
        seed=1,
        progress=Tape(),
        plan=ExplainPlan(),
    )
    explained = explain(subject)
    patch.undo()
    return finalists, explained


def test_every_change_of_every_finalist_is_taken_apart_and_parts_sum_to_the_whole(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    finalists, explained = told
    for finalist in finalists:
        parts = explained.parts.filter(rank=finalist.rank)
        assert len(parts) == len(finalist.changes)
        assert parts["shapley_ratio"].sum() == pytest.approx(parts["whole_ratio"].head(1).sum())
        assert parts["alone_replayed_ratio"].null_count() == 0
        assert explained.justified.filter(rank=finalist.rank).height == len(finalist.changes)


def test_regret_is_zero_for_the_best_replayed_row_of_each_scenario(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    replayed = told[1].regret.filter(method="replay")
    assert replayed.group_by("scenario").agg(pl.col("regret_ratio").min())["regret_ratio"].to_list() == [0.0]
    assert set(told[1].regret_summary["method"]) == {"closed form", "replay"}
    assert NO_CHANGE in replayed["design"].to_list()


def test_a_forecast_that_there_is_none_of_is_left_out_with_its_reason(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    left_out = told[1].scenarios.filter(kind="left out")
    assert {"forecast p10", "forecast p50", "forecast p90"} <= set(left_out["scenario"])
    assert left_out["reason"].null_count() == 0


def test_thresholds_name_every_rival_and_prices_are_confirmed_without_a_replay(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    flips = told[1].flips
    assert NO_CHANGE in set(flips["rival"])
    prices = flips.filter(pl.col("lever").str.starts_with("price"), pl.col("threshold").is_not_null())
    assert prices["replayed_ratio"].null_count() == 0
    assert prices["confirmed"].all()


def test_both_chips_are_offered_the_same_software_and_each_finalist_has_its_ground(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    finalists, explained = told
    assert explained.software.group_by("chip").len()["len"].to_list() == [2, 2]
    assert explained.grounds["rank"].to_list() == [r.rank for r in finalists]
    assert explained.elasticities["at"].unique().sort().to_list() == ["baseline", "recommended"]


def test_regret_in_closed_form_is_against_the_best_of_all_scored_designs(
    told: tuple[tuple[Recommendation, ...], Explanation],
) -> None:
    """Value per dollar over the baseline's and regret give back one best value, that of the whole space."""
    rows = told[1].regret.filter(method="closed form", scenario="today")
    best = (rows["over_baseline_ratio"] / (1.0 - rows["regret_ratio"])).to_list()
    scored = score(small_space(), planted())
    wanted = scored.closed_form.max() / scored.closed_form[scored.row_of_baseline[0]]
    assert best == pytest.approx([wanted] * len(best))
