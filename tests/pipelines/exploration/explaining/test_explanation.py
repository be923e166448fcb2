"""The explanation as a whole, on a planted demand and replays that cost nothing."""

import polars as pl
import pytest

from pipelines.exploration.explaining.explanation import NO_CHANGE
from tests.pipelines.exploration.explained_finalists import Told, explained_finalists


@pytest.fixture(scope="module")
def told() -> Told:
    return explained_finalists()


def test_every_change_of_every_finalist_is_taken_apart_and_parts_sum_to_the_whole(told: Told) -> None:
    finalists, explained = told.subject.finalists, told.explanation
    for finalist in finalists:
        parts = explained.parts.filter(rank=finalist.rank)
        assert len(parts) == len(finalist.changes)
        assert parts["shapley_ratio"].sum() == pytest.approx(parts["whole_ratio"].head(1).sum())
        assert parts["alone_replayed_ratio"].null_count() == 0
        assert explained.justified.filter(rank=finalist.rank).height == len(finalist.changes)


def test_regret_is_zero_for_the_best_replayed_row_of_each_scenario(told: Told) -> None:
    replayed = told.explanation.regret.filter(method="replay")
    assert replayed.group_by("scenario").agg(pl.col("regret_ratio").min())["regret_ratio"].to_list() == [0.0]
    assert set(told.explanation.regret_summary["method"]) == {"closed form", "replay"}
    assert NO_CHANGE in replayed["design"].to_list()


def test_a_forecast_that_there_is_none_of_is_left_out_with_its_reason(told: Told) -> None:
    left_out = told.explanation.scenarios.filter(kind="left out")
    assert {"forecast p10", "forecast p50", "forecast p90"} <= set(left_out["scenario"])
    assert left_out["reason"].null_count() == 0


def test_thresholds_name_every_rival_and_prices_are_confirmed_without_a_replay(told: Told) -> None:
    flips = told.explanation.flips
    assert NO_CHANGE in set(flips["rival"])
    prices = flips.filter(pl.col("lever").str.starts_with("price"), pl.col("threshold").is_not_null())
    assert prices["replayed_ratio"].null_count() == 0
    assert prices["confirmed"].all()


def test_both_chips_are_offered_the_same_software_and_each_finalist_has_its_ground(told: Told) -> None:
    finalists, explained = told.subject.finalists, told.explanation
    assert explained.software.group_by("chip").len()["len"].to_list() == [2, 2]
    assert explained.grounds["rank"].to_list() == [r.rank for r in finalists]
    assert explained.elasticities["at"].unique().sort().to_list() == ["baseline", "recommended"]


def test_regret_in_closed_form_is_against_the_best_of_all_scored_designs(told: Told) -> None:
    """Value per dollar over the baseline's and regret give back one best value, that of the whole space."""
    rows = told.explanation.regret.filter(method="closed form", scenario="today")
    best = (rows["over_baseline_ratio"] / (1.0 - rows["regret_ratio"])).to_list()
    scored = told.subject.found.scored
    wanted = scored.closed_form.max() / scored.closed_form[scored.row_of_baseline[0]]
    assert best == pytest.approx([wanted] * len(best))
