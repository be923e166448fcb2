"""Calls of a trace, and when an engine served each of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hwmodel.serving.demand import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCalls:
    """Calls in the trace's order, which need not be that of their arrivals; every array has one entry per call."""

    arrival_ns: Int[np.ndarray, "calls"]
    """On the trace's clock."""
    prompt_tokens: Int[np.ndarray, "calls"]
    output_tokens: Int[np.ndarray, "calls"]

    def __len__(self) -> int:
        return int(self.arrival_ns.size)

    def longest_tokens(self) -> int:
        """Prompt and answer of the longest call."""
        return int((self.prompt_tokens + self.output_tokens).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """When each call was served, in the trace's order; seconds on the trace's clock, not since the call's arrival."""

    queued_s: Float[np.ndarray, "calls"]
    """Arrival at the engine."""
    scheduled_s: Float[np.ndarray, "calls"]
    """Start of the first step that computed some of it."""
    first_token_s: Float[np.ndarray, "calls"]
    last_token_s: Float[np.ndarray, "calls"]
    preemptions_count: Int[np.ndarray, "calls"]
    """How often it lost its room and began again."""
    cached_tokens: Int[np.ndarray, "calls"]
    """Prompt tokens found in the prefix cache when it was first scheduled."""
    output_tokens: Int[np.ndarray, "calls"]
    iterations_count: int
    """Steps of the engine."""

    @property
    def ttft_s(self) -> Float[np.ndarray, "calls"]:
        """Arrival to first token."""
        return self.first_token_s - self.queued_s

    @property
    def tpot_s(self) -> Float[np.ndarray, "calls"]:
        """Mean time per token after the first; NaN for answers of one token."""
        after_first = np.where(self.output_tokens > 1, self.output_tokens - 1.0, np.nan)
        return (self.last_token_s - self.first_token_s) / after_first

    @property
    def duration_s(self) -> Float[np.ndarray, "calls"]:
        """Arrival to last token."""
        return self.last_token_s - self.queued_s


def seconds(clock_ns: Int[np.ndarray, "calls"]) -> Float[np.ndarray, "calls"]:
    """Nanoseconds as seconds."""
    return clock_ns / NS_PER_S
