"""Sessions that tell only their inner times, laid on rings: what a queue makes of them, as a mean over many rings.

Where sessions begin matters much to a queue: the tail of one ring scatters by half its size. So the figure of a trace
is the geometric mean of the tails of many rings, each with begins of its own.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from telemetry_sim.fidelity.queue import Server, Stream, parts_of, tail_ttft_s
from telemetry_sim.laws import Floats, Ints

TOGETHER = 20
"""Assumed: sessions of a trace that are under way at a time, where each tells only its own times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Calls by session, in order of their inner times."""

    since_s: Floats
    """Time of each call since its session's first."""
    prefill_s: Floats
    decode_s: Floats
    begin: Ints
    """Row of each session's first call, and the number of rows at the end. Shape (sessions + 1,)."""
    names: pl.Series
    """Id of each session."""

    @property
    def count(self) -> int:
        """Number of sessions."""
        return len(self.begin) - 1

    @property
    def ring_s(self) -> float:
        """Length of the ring on which `TOGETHER` of them overlap on average."""
        return max(float(self.since_s[self.begin[1:] - 1].sum()) / TOGETHER, 1.0)


def sessions_of(calls: pl.DataFrame) -> Sessions:
    """The sessions of a trace.

    Args:
        calls: A ModelCalls frame. Unknown tokens count as none.
    """
    parts = parts_of(calls).sort("session_id", "time_s", maintain_order=True)
    since = parts.select(pl.col("time_s") - pl.col("time_s").min().over("session_id")).to_series().to_numpy()
    sizes = parts.group_by("session_id", maintain_order=True).len()
    return Sessions(
        since_s=since,
        prefill_s=parts["prefill_s"].to_numpy(),
        decode_s=parts["decode_s"].to_numpy(),
        begin=np.append(0, np.cumsum(sizes["len"].to_numpy())).astype(np.int64),
        names=sizes["session_id"],
    )


def picked(sessions: Sessions, numbers: Ints) -> Sessions:
    """Some of the sessions, each as often as its number is given."""
    length = np.diff(sessions.begin)[numbers]
    begin = np.append(0, np.cumsum(length)).astype(np.int64)
    rows = np.repeat(sessions.begin[numbers] - begin[:-1], length) + np.arange(begin[-1])
    return Sessions(
        since_s=sessions.since_s[rows],
        prefill_s=sessions.prefill_s[rows],
        decode_s=sessions.decode_s[rows],
        begin=begin,
        names=sessions.names.gather(numbers),
    )


def on_ring(sessions: Sessions, span_s: float, generator: np.random.Generator) -> Stream:
    """All sessions on a ring: each begins at a time drawn evenly and keeps its own inner times.

    Args:
        sessions: To lay.
        span_s: Length of the ring.
        generator: For the begins.
    """
    starts = np.repeat(generator.random(sessions.count) * span_s, np.diff(sessions.begin))
    times = (sessions.since_s + starts) % span_s
    order = np.argsort(times)
    return Stream(
        times_s=times[order],
        prefill_s=sessions.prefill_s[order],
        decode_s=sessions.decode_s[order],
        span_s=span_s,
        is_ring=True,
    )


def log_tails(sessions: Sessions, span_s: float, server: Server, rings: int, generator: np.random.Generator) -> Floats:
    """Logarithm of the tail of the time to first token on each of some rings. Shape (rings,)."""
    return np.log([tail_ttft_s(on_ring(sessions, span_s, generator), server) for _ in range(rings)])
