"""Refusals under a leaky bucket, and the back-off of whoever is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.behaviour.draws import ATTEMPTS
from telemetry_sim.behaviour.rate_limit import backoffs_s, count_refusals
from telemetry_sim.streams import child_keys, root_key, uniforms

KEYS = child_keys(root_key(5), np.arange(1_000))


def refusals_of(
    arrival_s: list[float], *, limit_per_s: float, burst_s: float, attempts: int = 4
) -> tuple[list[int], list[bool]]:
    count = len(arrival_s)
    refused, gave_up = count_refusals(
        np.zeros(count, np.int64),
        np.asarray(arrival_s),
        np.full(count, limit_per_s),
        KEYS[:count],
        burst_s=burst_s,
        backoff_s=1.0,
        max_attempt_count=attempts,
    )
    return refused.tolist(), gave_up.tolist()


def test_calls_below_the_limit_are_never_refused() -> None:
    assert refusals_of([0.0, 1.0, 2.0, 3.0], limit_per_s=1.0, burst_s=0.0) == ([0, 0, 0, 0], [False] * 4)


@given(limit_per_s=st.floats(0.02, 0.9))
def test_a_call_too_early_is_refused_until_its_back_offs_reach_its_turn(limit_per_s: float) -> None:
    # the second call must wait 1 / limit; its waits are those that backoffs_s tells for the same draws
    refused, gave_up = refusals_of([0.0, 0.0], limit_per_s=limit_per_s, burst_s=0.0, attempts=12)
    jitter = uniforms(KEYS[1], np.arange(12) + int(ATTEMPTS))
    waited_s = np.cumsum(backoffs_s(np.arange(12), jitter, 1.0))
    assert refused == [0, int(np.searchsorted(waited_s, 1.0 / limit_per_s)) + 1]
    assert gave_up == [False, False]


def test_a_client_gives_up_after_its_attempts_and_uses_no_quota() -> None:
    refused, gave_up = refusals_of([0.0, 0.0, 10.0], limit_per_s=0.1, burst_s=0.0, attempts=2)
    assert refused == [0, 2, 0]
    assert gave_up == [False, True, False]


def test_saved_quota_lets_a_burst_through() -> None:
    refused, _ = refusals_of([0.0] * 5, limit_per_s=1.0, burst_s=3.0)
    assert refused[:4] == [0, 0, 0, 0]
    assert refused[4] >= 1


def test_back_offs_double_and_jitter_by_half() -> None:
    waits = backoffs_s(np.array([0, 1, 2]), np.array([0.0, 0.5, 1.0]), 2.0)
    assert waits == pytest.approx([1.0, 4.0, 12.0])
