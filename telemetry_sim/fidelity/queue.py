"""The system check: what one queue makes of a trace, as the 99th percentile of its time to first token.

One server, first come first served, service = a + b x uncached input + c x output, its speed set so that the real trace
uses 70 % of it. Time to first token = wait + a + b x uncached input.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit

from telemetry_sim.laws import Floats

UTILISATION = 0.7
"""Set by the issue."""
BASE_S = 0.05
"""Assumed: a fixed cost per request. Only the proportion of the three matters, as the server is scaled."""
UNCACHED_S_PER_TOKEN = 1e-4
"""Assumed: 10 K tokens of prefill per second."""
OUTPUT_S_PER_TOKEN = 0.0154
"""Measured on Claude Code traces: server time over output tokens (docs/sources.md: weka2026)."""
TAIL = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that has been scaled to a real trace."""

    speed_ratio: float
    """Service times are divided by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Requests as the queue sees them, in order of arrival."""

    times_s: Floats
    prefill_s: Floats
    """a + b x uncached input, before scaling."""
    decode_s: Floats
    """c x output, before scaling."""
    span_s: float
    is_ring: bool = False
    """Whether the end goes on at the begin: the queue goes round twice, and the second round counts."""


def stream_of(calls: pl.DataFrame) -> Stream:
    """The requests of a trace at its own times.

    Args:
        calls: A ModelCalls frame. Unknown tokens count as none.
    """
    parts = parts_of(calls).sort("time_s", maintain_order=True)
    times = parts["time_s"].to_numpy() - parts["time_s"][0]
    return Stream(
        times_s=times,
        prefill_s=parts["prefill_s"].to_numpy(),
        decode_s=parts["decode_s"].to_numpy(),
        span_s=max(float(times[-1]), 1e-6),
    )


def parts_of(calls: pl.DataFrame) -> pl.DataFrame:
    """Columns session_id, time_s, prefill_s and decode_s of the calls, in their order."""
    uncached = (pl.col("input_tokens") - pl.col("shared_prefix_tokens").fill_null(0)).fill_null(0)
    return calls.select(
        "session_id",
        time_s=pl.col("requested_at").dt.epoch("us") / 1e6,
        prefill_s=BASE_S + UNCACHED_S_PER_TOKEN * uncached,
        decode_s=OUTPUT_S_PER_TOKEN * pl.col("output_tokens").fill_null(0),
    )


def server_for(stream: Stream) -> Server:
    """A server whose utilisation by the stream is 0.7."""
    return Server(speed_ratio=float((stream.prefill_s + stream.decode_s).sum()) / (UTILISATION * stream.span_s))


def tail_ttft_s(stream: Stream, server: Server) -> float:
    """99th percentile of the time to first token, s."""
    prefill, decode = stream.prefill_s / server.speed_ratio, stream.decode_s / server.speed_ratio
    if stream.is_ring:
        twice = np.concatenate((stream.times_s, stream.times_s + stream.span_s))
        waits = waits_s(twice, np.tile(prefill + decode, 2))[len(prefill) :]
    else:
        waits = waits_s(stream.times_s, prefill + decode)
    return float(np.quantile(waits + prefill, TAIL))


def poisson_stream(stream: Stream, generator: np.random.Generator) -> Stream:
    """The same number of requests at times without any structure, sizes drawn anew from the stream's own."""
    count = len(stream.times_s)
    rows = generator.integers(0, count, size=count)
    return Stream(
        times_s=np.sort(generator.random(count)) * stream.span_s,
        prefill_s=stream.prefill_s[rows],
        decode_s=stream.decode_s[rows],
        span_s=stream.span_s,
        is_ring=stream.is_ring,
    )


@njit(cache=True)
def waits_s(times_s: Floats, service_s: Floats) -> Floats:
    """Wait of each request before its service begins (Lindley's recursion).

    Args:
        times_s: Arrivals in order.
        service_s: Service time of each.
    """
    waits = np.zeros(len(times_s))
    for number in range(1, len(times_s)):
        since = times_s[number] - times_s[number - 1]
        waits[number] = max(0.0, waits[number - 1] + service_s[number - 1] - since)
    return waits
