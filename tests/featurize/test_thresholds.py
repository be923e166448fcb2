import numpy as np
import polars as pl
import pytest

from featurize import abandonment_thresholds
from tests.featurize.planted import Floats, leaving_times_s, waits_that_end
from warehouse.contracts import AbandonmentThresholds

ALWAYS_STAYS_S = np.inf


def answers_s(count: int, seed: int) -> Floats:
    return np.asarray(np.random.default_rng(seed).lognormal(1.5, 1.0, count))


def test_a_threshold_planted_at_eight_seconds_is_found_within_a_tenth_in_a_hundred_thousand_sessions() -> None:
    leaves_s = leaving_times_s(np.random.default_rng(1), 100_000, ((0.0, 0.005), (8.0, 0.02)))
    found = AbandonmentThresholds.validate(abandonment_thresholds(*waits_that_end(answers_s(100_000, 2), leaves_s)))
    assert len(found) == 1
    row = found.row(0, named=True)
    assert row["threshold_s"] == pytest.approx(8.0, rel=0.1)
    assert row["threshold_low_s"] <= 8.0 <= row["threshold_high_s"]
    assert row["threshold_high_s"] / row["threshold_low_s"] < 1.25
    assert (row["before_ratio"], row["after_ratio"]) == pytest.approx((0.005, 0.02), rel=0.1)


def test_with_abandonment_off_there_is_no_threshold() -> None:
    nobody = np.full(100_000, ALWAYS_STAYS_S)
    assert abandonment_thresholds(*waits_that_end(answers_s(100_000, 3), nobody)).is_empty()


@pytest.mark.parametrize("planted_s", [3.0, 8.0, 15.0])
def test_a_few_thousand_sessions_are_enough_for_a_steep_rise(planted_s: float) -> None:
    leaves_s = leaving_times_s(np.random.default_rng(4), 6000, ((0.0, 0.005), (planted_s, 0.06)))
    best = abandonment_thresholds(*waits_that_end(answers_s(6000, 5), leaves_s)).row(0, named=True)
    assert best["threshold_s"] == pytest.approx(planted_s, rel=0.1)
    assert best["moment"] == "waiting"


def test_people_who_leave_at_an_answer_that_came_late_have_a_threshold_too() -> None:
    waits_s = answers_s(20_000, 6)
    left = np.random.default_rng(7).uniform(size=20_000) < np.where(waits_s > 8.0, 0.2, 0.02)
    found = abandonment_thresholds(*waits_that_end(waits_s, np.full(20_000, ALWAYS_STAYS_S), left_at_answer=left))
    assert found["moment"].to_list() == ["answered"]
    assert found["threshold_s"].item() == pytest.approx(8.0, rel=0.03)


def test_a_constant_hazard_has_a_threshold_no_more_often_than_stated() -> None:
    alarms = 0
    for seed in range(40):
        leaves_s = leaving_times_s(np.random.default_rng(seed), 3000, ((0.0, 0.03),))
        alarms += not abandonment_thresholds(*waits_that_end(answers_s(3000, 100 + seed), leaves_s)).is_empty()
    assert alarms <= 4  # 5 % of 40 is 2; more than 4 has a chance of 5 %


def test_a_hazard_that_falls_has_no_threshold() -> None:
    leaves_s = leaving_times_s(np.random.default_rng(8), 10_000, ((0.0, 0.1), (5.0, 0.01)))
    assert abandonment_thresholds(*waits_that_end(answers_s(10_000, 9), leaves_s)).is_empty()


def test_two_thresholds_are_told_apart_and_the_clearer_comes_first() -> None:
    leaves_s = leaving_times_s(np.random.default_rng(10), 60_000, ((0.0, 0.002), (3.0, 0.008), (9.0, 0.1)))
    found = abandonment_thresholds(*waits_that_end(answers_s(60_000, 11), leaves_s))
    assert found["threshold_s"].to_list() == pytest.approx([9.0, 3.0], rel=0.06)
    assert found["rank"].to_list() == [1, 2]


def test_surfaces_are_looked_at_apart() -> None:
    chat = waits_that_end(
        answers_s(8000, 12),
        leaving_times_s(np.random.default_rng(13), 8000, ((0.0, 0.005), (4.0, 0.08))),
        surface="long_context_chat",
    )
    loops = waits_that_end(answers_s(8000, 14), np.full(8000, ALWAYS_STAYS_S))
    renamed = [frame.with_columns(session_id=pl.format("x{}", "session_id")) for frame in loops]
    found = abandonment_thresholds(pl.concat([chat[0], renamed[0]]), pl.concat([chat[1], renamed[1]]))
    assert set(found["surface"].cast(pl.String)) == {"long_context_chat"}


def test_the_same_seed_gives_the_same_interval() -> None:
    frames = waits_that_end(
        answers_s(5000, 15), leaving_times_s(np.random.default_rng(16), 5000, ((0.0, 0.005), (6.0, 0.05)))
    )
    assert abandonment_thresholds(*frames).equals(abandonment_thresholds(*frames))
