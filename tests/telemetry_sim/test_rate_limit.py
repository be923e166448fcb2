import numpy as np
import pytest

from telemetry_sim.rate_limit import backoffs_s, count_refusals


def refusals_of(
    arrival_s: list[float], *, limit_per_s: float, burst_s: float, attempts: int = 4
) -> tuple[list[int], list[bool]]:
    count = len(arrival_s)
    refused, gave_up = count_refusals(
        np.zeros(count, np.int64),
        np.asarray(arrival_s),
        np.full(count, limit_per_s),
        np.full((count, attempts), 0.5),
        burst_s=burst_s,
        backoff_s=1.0,
        max_attempt_count=attempts,
    )
    return refused.tolist(), gave_up.tolist()


def test_calls_below_the_limit_are_never_refused() -> None:
    assert refusals_of([0.0, 1.0, 2.0, 3.0], limit_per_s=1.0, burst_s=0.0) == ([0, 0, 0, 0], [False] * 4)


def test_a_call_too_early_is_refused_until_its_back_off_reaches_its_turn() -> None:
    # one call per 10 s: the second must wait 10 s; back-offs of 1, 2, 4, 8 s reach 15 s after four refusals
    refused, gave_up = refusals_of([0.0, 0.0], limit_per_s=0.1, burst_s=0.0, attempts=5)
    assert refused == [0, 4]
    assert gave_up == [False, False]


def test_a_client_gives_up_after_its_attempts_and_uses_no_quota() -> None:
    refused, gave_up = refusals_of([0.0, 0.0, 10.0], limit_per_s=0.1, burst_s=0.0, attempts=2)
    assert refused == [0, 2, 0]
    assert gave_up == [False, True, False]


def test_saved_quota_lets_a_burst_through() -> None:
    refused, _ = refusals_of([0.0] * 5, limit_per_s=1.0, burst_s=3.0)
    assert refused == [0, 0, 0, 0, 1]


def test_back_offs_double_and_jitter_by_half() -> None:
    waits = backoffs_s(np.array([0, 1, 2]), np.array([0.0, 0.5, 1.0]), 2.0)
    assert waits == pytest.approx([1.0, 4.0, 12.0])
