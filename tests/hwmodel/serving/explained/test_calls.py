"""Observed calls: the telemetry's own times beside the demand, and nothing where they are not told."""

import polars as pl
import pytest

from hwmodel.serving.explained import observed_calls
from tests.hwmodel.serving.demand_frames import demand_frame

DEMAND = demand_frame(*[{"session_id": f"s{n}", "input_tokens": 100, "shared_prefix_tokens": 40} for n in range(6)])
SEEN = pl.DataFrame(
    {
        "call_id": [f"c{n}" for n in range(6)],
        "cache_read_tokens": [None, 0, 100, 30, 0, 0],
        "output_tokens": [101, 101, 101, 8, 101, None],
        "queue_s": [0.1, None, 0.0, 0.0, 0.0, None],
        "ttft_s": [0.5, 0.5, 0.5, 0.5, 0.5, None],
        "duration_s": [2.5, 2.5, 2.5, 2.5, 2.5, 9.0],
        "status": ["ok", "ok", "ok", "ok", "user_cancel", "rate_limited"],
    }
)
FOUND = observed_calls(DEMAND, SEEN)


def test_calls_without_a_first_token_are_left_out() -> None:
    assert len(FOUND) == 5


def test_uncached_tokens_are_as_reported_else_as_shared_and_never_none() -> None:
    assert FOUND["uncached_tokens"].to_list() == [60, 100, 1, 70, 100]


def test_time_per_output_token_is_told_by_whole_answers_of_some_length() -> None:
    assert FOUND["tpot_s"].to_list() == [pytest.approx(0.02)] * 3 + [None, None]


def test_queues_that_were_not_reported_stay_unknown() -> None:
    assert FOUND["queued_s"].to_list() == [0.1, None, 0.0, 0.0, 0.0]
