from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from featurize import abandonment_curve
from featurize.abandonment import wilson_bound_ratio
from tests.featurize.call_frames import calls_frame, sessions_frame
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
    assert rows.select("wait_low_s", "wait_high_s", "at_risk_count", "left_count").rows() == [
        (0.0, 0.5, 2, 0),
        (4.0, 8.0, 3, 1),
        (8.0, 16.0, 1, 1),
    ]
    assert rows["hazard_ratio"].to_list() == pytest.approx([0.0, 1 / 3, 1.0])


def test_a_planted_patience_of_eight_seconds_shows_as_a_jump() -> None:
    rng = np.random.default_rng(5)
    waits_s = rng.lognormal(1.5, 1.0, 4000)
    left = rng.uniform(size=4000) < np.where(waits_s > 8, 0.4, 0.02)
    curve = abandonment_curve(*one_call_sessions(waits_s.tolist(), left.tolist())).collect()
    often = curve.filter(pl.col("at_risk_count") > 100)
    below, above = often.filter(pl.col("wait_low_s") < 8), often.filter(pl.col("wait_low_s") >= 8)
    assert len(below) >= 3
    assert len(above) >= 2
    assert above["hazard_low_ratio"].to_numpy().min() > 5 * below["hazard_high_ratio"].to_numpy().max() / 2
    assert ((below["hazard_low_ratio"] <= 0.02) & (below["hazard_high_ratio"] >= 0.02)).to_numpy().mean() >= 0.75


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
    rows = abandonment_curve(calls, sessions_frame({"outcome": "abandoned"})).collect()
    assert rows.select("wait_low_s", "left_count").rows() == [(8.0, 1)]


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
