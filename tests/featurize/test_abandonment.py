import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, binomtest, ecdf

from featurize import abandonment_curve
from featurize.abandonment import wilson_bound_ratio
from tests.featurize.call_frames import calls_frame, sessions_frame
from tests.featurize.planted import leaving_times_s, waits_that_end
from warehouse.contracts import AbandonmentCurve


def one_call_sessions(waits_s: list[float], left: list[bool], **extra: Any) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    names = [f"s{number}" for number in range(len(waits_s))]
    calls = calls_frame(
        *({"session_id": name, "ttft_s": wait_s, **extra} for name, wait_s in zip(names, waits_s, strict=True))
    )
    outcomes = ["abandoned" if gone else "completed" for gone in left]
    return calls, sessions_frame(*({"session_id": n, "outcome": o} for n, o in zip(names, outcomes, strict=True)))


def test_counts_and_hazard_of_a_band_are_those_computed_by_hand() -> None:
    curve = abandonment_curve(
        *one_call_sessions([0.1, 0.2, 5.0, 6.0, 7.9, 8.0], [False, False, False, True, False, True])
    )
    rows = AbandonmentCurve.validate(curve.collect()).sort("wait_low_s")
    assert rows.select("wait_low_s", "wait_high_s", "at_risk_count", "answered_count", "left_count").rows() == [
        (0.0, 0.5, 6, 2, 0),
        (4.0, 8.0, 4, 3, 1),
        (8.0, 16.0, 1, 1, 1),
    ]
    assert rows["hazard_ratio"].to_list() == pytest.approx([0.0, 1 / 4, 1.0])
    assert rows["leave_ratio"].to_list() == pytest.approx([0.0, 1 / 3, 1.0])
    assert rows["survival_ratio"].to_list() == [1.0, 1.0, 1.0]


def test_survival_is_the_product_limit_estimate_of_scipy() -> None:
    rng = np.random.default_rng(4)
    answer_s, leaves_s = rng.lognormal(1.3, 0.9, 5000), rng.lognormal(2.0, 0.6, 5000)
    curve = abandonment_curve(*waits_that_end(answer_s, leaves_s)).sort("wait_low_s").collect()
    gone = leaves_s < answer_s
    expected = ecdf(CensoredData(uncensored=leaves_s[gone], right=answer_s[~gone])).sf
    closed = curve.filter(pl.col("wait_high_s").is_not_null())
    assert closed["survival_ratio"].to_list() == pytest.approx(
        expected.evaluate(closed["wait_high_s"].to_numpy()).tolist(), abs=0.004
    )
    with warnings.catch_warnings():  # before the first leaver its interval is undefined
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = expected.confidence_interval(0.95, method="log-log")
    at = closed.filter(pl.col("wait_high_s") == 8.0).row(0, named=True)
    assert at["survival_low_ratio"] == pytest.approx(interval.low.evaluate(8.0), abs=0.005)
    assert at["survival_high_ratio"] == pytest.approx(interval.high.evaluate(8.0), abs=0.005)


def test_quick_service_does_not_hide_impatience() -> None:
    rng = np.random.default_rng(7)
    leaves_s = leaving_times_s(rng, 40_000, ((0.0, 0.02), (8.0, 0.1)))
    truth = np.exp(-(0.02 * 8 + 0.1 * 8))
    for typical_s in (3.0, 12.0):
        curve = abandonment_curve(*waits_that_end(rng.lognormal(np.log(typical_s), 0.9, 40_000), leaves_s)).collect()
        at = curve.filter(pl.col("wait_high_s") == 16.0).row(0, named=True)
        assert at["survival_low_ratio"] <= truth <= at["survival_high_ratio"]


def test_a_call_answered_late_is_left_as_often_as_its_wait_makes_people_leave() -> None:
    rng = np.random.default_rng(8)
    answer_s = rng.lognormal(1.5, 1.0, 60_000)
    curve = abandonment_curve(*waits_that_end(answer_s, leaving_times_s(rng, 60_000, ((0.0, 0.05),)))).collect()
    for row in curve.filter(pl.col("answered_count") > 300).iter_rows(named=True):
        inside = answer_s[(answer_s >= row["wait_low_s"]) & (answer_s < (row["wait_high_s"] or np.inf))]
        would_leave = 1 - np.exp(-0.05 * inside).mean()
        assert row["leave_low_ratio"] - 0.03 <= would_leave <= row["leave_high_ratio"] + 0.03


def test_those_who_leave_at_a_late_answer_show_as_a_jump() -> None:
    rng = np.random.default_rng(5)
    waits_s = rng.lognormal(1.5, 1.0, 4000)
    left = rng.uniform(size=4000) < np.where(waits_s > 8, 0.4, 0.02)
    curve = abandonment_curve(*waits_that_end(waits_s, np.full(4000, np.inf), left_at_answer=left)).collect()
    often = curve.filter(pl.col("answered_count") > 100)
    below, above = often.filter(pl.col("wait_low_s") < 8), often.filter(pl.col("wait_low_s") >= 8)
    assert len(below) >= 3
    assert len(above) >= 2
    assert above["leave_low_ratio"].to_numpy().min() > 5 * below["leave_high_ratio"].to_numpy().max() / 2
    assert ((below["leave_low_ratio"] <= 0.02) & (below["leave_high_ratio"] >= 0.02)).to_numpy().mean() >= 0.75


def test_nine_of_ten_intervals_of_survival_hold_the_truth() -> None:
    inside = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        leaves_s = leaving_times_s(rng, 600, ((0.0, 0.03),))
        curve = abandonment_curve(*waits_that_end(rng.lognormal(1.5, 1.0, 600), leaves_s)).collect()
        row = curve.filter(pl.col("wait_high_s") == 8.0).row(0, named=True)
        inside.append(row["survival_low_ratio"] <= np.exp(-0.24) <= row["survival_high_ratio"])
    assert np.mean(inside) >= 0.9


def test_sessions_without_outcome_give_no_rows() -> None:
    calls = calls_frame({"session_id": "s0", "ttft_s": 3.0})
    assert abandonment_curve(calls, sessions_frame({"session_id": "s0"})).collect().is_empty()


def test_only_the_last_call_of_an_abandoned_session_counts_as_left() -> None:
    calls = calls_frame({"ttft_s": 1.0}, {"step_index": 1, "ttft_s": 20.0, "at_s": 9.0})
    sessions = sessions_frame({"session_id": "s", "outcome": "abandoned", "call_count": 2})
    rows = abandonment_curve(calls, sessions).sort("wait_low_s").collect()
    assert rows["left_count"].to_list() == [0, 1]


def test_a_frame_that_ends_before_the_session_does_not_invent_a_leaver() -> None:
    sessions = sessions_frame({"session_id": "s", "outcome": "abandoned", "call_count": 2})
    rows = abandonment_curve(calls_frame({"ttft_s": 1.0}), sessions).collect()
    assert rows.select("at_risk_count", "left_count").rows() == [(1, 0)]


LEFT_EARLY = {"session_id": "s0", "status": "user_cancel", "duration_s": 12.0, "output_tokens": 0}


def test_a_user_who_left_before_the_first_token_counts_with_the_wait_endured() -> None:
    calls = calls_frame(LEFT_EARLY, {"session_id": "s1", "ttft_s": 1.0})
    sessions = sessions_frame({"outcome": "abandoned"}, {"outcome": "completed"})
    rows = abandonment_curve(calls, sessions).sort("wait_low_s").collect()
    assert rows.select("wait_low_s", "left_waiting_count", "answered_count").rows() == [(1.0, 0, 1), (8.0, 1, 0)]


def test_whoever_interrupts_and_goes_on_has_waited_so_long_and_has_not_left() -> None:
    went_on = {"step_index": 1, "at_s": 20.0, "ttft_s": 1.0, "session_id": "s0"}
    sessions = sessions_frame({"outcome": "completed", "call_count": 2})
    rows = abandonment_curve(calls_frame(LEFT_EARLY, went_on), sessions).sort("wait_low_s").collect()
    assert rows.select("wait_low_s", "at_risk_count", "left_count").rows() == [(1.0, 2, 0), (8.0, 1, 0)]


def test_a_source_that_times_no_first_token_has_no_curve_of_leavers_only() -> None:
    assert abandonment_curve(calls_frame(LEFT_EARLY), sessions_frame({"outcome": "abandoned"})).collect().is_empty()


def test_a_cut_in_the_middle_of_an_answer_tells_no_wait() -> None:
    calls = calls_frame({**LEFT_EARLY, "output_tokens": 5}, {"session_id": "s1", "ttft_s": 1.0})
    assert abandonment_curve(calls, sessions_frame({"outcome": "abandoned"})).collect().is_empty()


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_interval_is_the_wilson_interval_of_scipy(trials: int, share: float) -> None:
    hits = round(share * trials)
    low, high = pl.select(
        wilson_bound_ratio(pl.lit(hits), pl.lit(trials), side=-1).alias("low"),
        wilson_bound_ratio(pl.lit(hits), pl.lit(trials), side=1).alias("high"),
    ).row(0)
    expected = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
