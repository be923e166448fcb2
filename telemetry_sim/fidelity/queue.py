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
TOGETHER = 20
"""Assumed: sessions of a trace that are under way at a time, where each tells only its own times."""


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


def stream_of(calls: pl.DataFrame, generator: np.random.Generator, *, span_s: float = 0.0) -> Stream:
    """The requests of a trace.

    A trace of single calls has its own times. Sessions (several calls each) are laid on a ring: each begins at a time
    drawn evenly and keeps its own inner times, and the ring is as long as makes `TOGETHER` of them overlap on average.
    Traces of sessions mostly tell only times relative to the session, and a ring has no empty begin or end.

    Args:
        calls: A ModelCalls frame. Unknown tokens count as none.
        generator: For the begins of sessions.
        span_s: Length of the ring; 0 takes the trace's own.
    """
    told = calls.sort("requested_at", maintain_order=True)
    uncached = (pl.col("input_tokens") - pl.col("shared_prefix_tokens").fill_null(0)).fill_null(0)
    parts = told.select(
        time=pl.col("requested_at").dt.epoch("us") / 1e6,
        prefill=BASE_S + UNCACHED_S_PER_TOKEN * uncached,
        decode=OUTPUT_S_PER_TOKEN * pl.col("output_tokens").fill_null(0),
        session=pl.col("session_id").rank("dense") - 1,
    )
    times = parts["time"].to_numpy()
    times = times - times.min()
    session = parts["session"].to_numpy().astype(np.int64)
    count = int(session.max()) + 1
    if count < len(times):
        begin, end = np.full(count, np.inf), np.zeros(count)
        np.minimum.at(begin, session, times)
        np.maximum.at(end, session, times)
        span_s = span_s or max(float((end - begin).sum()) / TOGETHER, 1.0)
        times = (times - begin[session] + generator.random(count)[session] * span_s) % span_s
    else:
        span_s = max(span_s or float(times.max()), 1e-6)
    order = np.argsort(times, kind="stable")
    return Stream(
        times_s=times[order],
        prefill_s=parts["prefill"].to_numpy()[order],
        decode_s=parts["decode"].to_numpy()[order],
        span_s=span_s,
    )


def server_for(stream: Stream) -> Server:
    """A server whose utilisation by the stream is 0.7."""
    return Server(speed_ratio=float((stream.prefill_s + stream.decode_s).sum()) / (UTILISATION * stream.span_s))


def tail_ttft_s(stream: Stream, server: Server) -> float:
    """99th percentile of the time to first token, s."""
    prefill, decode = stream.prefill_s / server.speed_ratio, stream.decode_s / server.speed_ratio
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
