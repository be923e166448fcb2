"""What a replay on separate prefill and decode replicas says of every call and of the links."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hwmodel.serving.engine import CallTimes, EngineRun


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOvers:
    """One entry per call; times in ns, -1 where it did not happen: an answer of one token is not handed over."""

    room_ns: Int[np.ndarray, "calls"]
    """The decode replica has blocks for the prompt."""
    arrived_ns: Int[np.ndarray, "calls"]
    """All of the prompt's cache is there; the prefill replica's blocks are free again."""
    decoding_ns: Int[np.ndarray, "calls"]
    """Its first step on the decode replica begins."""
    sent_tokens: Int[np.ndarray, "calls"]
    """Prompt tokens that travelled: those that the decode replica did not hold already."""
    replica: Int[np.ndarray, "calls"]
    """Decode replica, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRun:
    """A whole replay."""

    times: CallTimes
    """`scheduled_ns`, `first_ns`, `cached_tokens` and `replica` are of the prefill side, preemptions of the other."""
    hand_overs: HandOvers
    steps_count: int
    """Of all replicas."""
    busy_ns: Int[np.ndarray, "replicas"]
    """Prefill replicas first."""
    computed_tokens: int

    @property
    def whole(self) -> EngineRun:
        """The same as a replay that knows of no hand-over tells it."""
        return EngineRun(
            times=self.times,
            steps_count=self.steps_count,
            busy_ns=self.busy_ns,
            computed_tokens=self.computed_tokens,
        )
