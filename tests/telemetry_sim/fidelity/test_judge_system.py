"""The verdict of the queue: a trace drawn like the real one keeps the bar, one with other pauses does not."""

import numpy as np
import polars as pl
import pytest

from telemetry_sim.fidelity.judge_system import SYSTEM_BAR, system_measures, system_note
from tests.telemetry_sim.fitted.made_traces import loop_trace, single_calls


def test_sessions_drawn_like_the_real_ones_keep_the_bar_and_a_poisson_stream_does_not() -> None:
    ours, single = system_measures(loop_trace(150, seed=1), (loop_trace(150, seed=10 + n) for n in range(12)), 7)
    assert ours.is_within
    assert ours.bar == SYSTEM_BAR
    assert single.relative_error is not None
    assert abs(single.relative_error) > abs(ours.relative_error or 0.0)
    assert ours.interval is not None
    assert ours.interval[0] < (ours.value_real or 0.0) < ours.interval[1]


def test_sessions_that_think_twice_as_fast_are_outside_the_bar() -> None:
    def hurried(seed: int) -> pl.DataFrame:
        begin = pl.col("requested_at").min().over("session_id")
        return loop_trace(150, seed=seed).with_columns(requested_at=begin + (pl.col("requested_at") - begin) / 4)

    ours, _ = system_measures(loop_trace(150, seed=1), (hurried(10 + n) for n in range(8)), 7)
    assert ours.is_within is False


def test_the_floor_of_single_calls_is_that_of_two_halves() -> None:
    ours, single = system_measures(single_calls(4_000), (single_calls(4_000, seed=20 + n) for n in range(9)), 7)
    assert ours.noise_floor is not None
    assert 0.0 < ours.noise_floor < 0.5
    assert ours.relative_error == pytest.approx((ours.value_synthetic or 0.0) / (ours.value_real or 1.0) - 1.0)
    assert single.noise_floor == ours.noise_floor


def test_the_note_names_both_misses() -> None:
    measures = system_measures(single_calls(500), (single_calls(500, seed=n) for n in range(3)), 7)
    note = system_note(*measures)
    assert all(f"{abs(row.relative_error or np.nan):.1%}" in note for row in measures)
