"""What a replay says besides: of hand-overs between prefill and decode replicas, and of loads from host memory."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hwmodel.serving.engine import EngineRun


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
class SplitRun(EngineRun):
    """A whole replay.

    Of the times, `scheduled_ns`, `first_ns`, `cached_tokens` and `replica` are of the prefill side, preemptions of the
    decode side. Busy times are of prefill replicas first, then of decode replicas.
    """

    hand_overs: HandOvers


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedRun(EngineRun):
    """A whole replay with a tier of cache in host memory."""

    loaded_blocks: Int[np.ndarray, "calls"]
    """From host memory, those loaded again after a preemption included."""
    host_tokens: Int[np.ndarray, "calls"]
    """Of `cached_tokens`, those from host memory; the rest was on the device."""
