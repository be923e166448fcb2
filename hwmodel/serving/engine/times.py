"""What a replay says of every call."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine.speculation import DraftCounts


class Outcome(IntEnum):
    """How a call ended."""

    NOT_REQUESTED = 0
    """Its session ended before, or the horizon came."""
    OPEN = 1
    """Still waiting or running when the replay ended."""
    DONE = 2
    GAVE_UP = 3
    """Its patience ended before the first token."""
    STOPPED = 4
    """Its user stopped it."""
    REFUSED = 5
    """No replica can ever hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """One entry per call, in the order of the calls; times in ns on the replay's clock, -1 where it did not happen."""

    requested_ns: Int[np.ndarray, "calls"]
    """Of the last attempt."""
    scheduled_ns: Int[np.ndarray, "calls"]
    """First admitted, in the last attempt."""
    first_ns: Int[np.ndarray, "calls"]
    """First token."""
    last_ns: Int[np.ndarray, "calls"]
    """Last token, or the end of a call that did not get all of its tokens."""
    generated_tokens: Int[np.ndarray, "calls"]
    cached_tokens: Int[np.ndarray, "calls"]
    """Prompt tokens not computed at the first admission of the last attempt; -1 where there was none."""
    preemptions_count: Int[np.ndarray, "calls"]
    replica: Int[np.ndarray, "calls"]
    outcome: Int[np.ndarray, "calls"]
    """An `Outcome`."""

    @property
    def ttft_s(self) -> Float[np.ndarray, "calls"]:
        """From the last attempt's request to the first token; NaN where there was none."""
        return np.where(self.first_ns >= 0, (self.first_ns - self.requested_ns) / NS_PER_S, np.nan)

    @property
    def tpot_s(self) -> Float[np.ndarray, "calls"]:
        """Mean time per token after the first, 0 of an answer of one token; NaN where not all tokens came."""
        further = np.maximum(self.generated_tokens - 1, 1)
        return np.where(self.outcome == Outcome.DONE, (self.last_ns - self.first_ns) / NS_PER_S / further, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRun:
    """A whole replay."""

    times: CallTimes
    steps_count: int
    busy_ns: Int[np.ndarray, "replicas"]
    """Time each replica spent in steps."""
    computed_tokens: int
    """Prompt and answer tokens that went through the model, those computed again and all drafts included."""
    drafts: DraftCounts | None = None
    """What became of drafts; none where nothing was drafted."""
