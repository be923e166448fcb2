"""Promises: both limits count, the unfinished miss, one-token answers have no time per further token."""

import numpy as np
import pytest

from hwmodel.serving.engine import CallTimes, Outcome
from hwmodel.serving.errors import BadLimits
from hwmodel.serving.outcomes import CallLimits, attainment, is_attained

S = 1_000_000_000


def times_of(*rows: tuple[float, float, float, int, Outcome]) -> CallTimes:
    """Requested, first, last in s, tokens, outcome."""
    requested, first, last = (np.array([int(row[at] * S) for row in rows], dtype=np.int64) for at in range(3))
    nothing = np.zeros(len(rows), dtype=np.int64)
    return CallTimes(
        requested_ns=requested,
        scheduled_ns=requested,
        first_ns=first,
        last_ns=last,
        generated_tokens=np.array([row[3] for row in rows], dtype=np.int64),
        cached_tokens=nothing,
        preemptions_count=nothing,
        replica=nothing,
        outcome=np.array([row[4] for row in rows], dtype=np.int64),
    )


def test_a_call_is_attained_when_it_is_done_within_both_limits_the_limits_included() -> None:
    times = times_of(
        (1.0, 2.0, 4.0, 5, Outcome.DONE),
        (1.0, 2.001, 4.0, 5, Outcome.DONE),
        (1.0, 2.0, 4.1, 5, Outcome.DONE),
        (1.0, 2.0, 2.0, 1, Outcome.DONE),
        (1.0, 2.0, 2.5, 3, Outcome.STOPPED),
        (1.0, -1.0, 1.5, 0, Outcome.GAVE_UP),
    )
    limits = CallLimits(ttft_s=1.0, tpot_s=0.5)
    assert is_attained(times, limits).tolist() == [True, False, False, True, False, False]
    assert attainment(times, limits) == pytest.approx(2 / 6)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_limits_are_times_above_zero(value: float) -> None:
    with pytest.raises(BadLimits, match="tpot_s"):
        CallLimits(ttft_s=1.0, tpot_s=value)
