"""Which calls of a replay kept their promises."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from hwmodel.serving.engine import CallTimes
from hwmodel.serving.errors import BadLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What each call is promised."""

    ttft_s: float
    """From request to first token, at most."""
    tpot_s: float
    """Mean time per further token, at most."""

    def __post_init__(self) -> None:
        for name in ("ttft_s", "tpot_s"):
            value = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise BadLimits(f"{name} is {value} and must be a time above 0")


def is_attained(times: CallTimes, limits: CallLimits) -> Bool[np.ndarray, "calls"]:
    """Whether a call got all its tokens within both limits; an answer of one token has no time per further token.

    The time to first token counts from the last attempt's request, as the replay tells it.
    """
    return (times.ttft_s <= limits.ttft_s) & (times.tpot_s <= limits.tpot_s)


def attainment(times: CallTimes, limits: CallLimits) -> float:
    """Share of all calls that kept both limits; calls that never ended count as missed."""
    return float(is_attained(times, limits).mean())
