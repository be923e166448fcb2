"""The system check: the tail of one queue fed the real trace, synthetic ones, and a Poisson stream of real sizes."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from telemetry_sim.fidelity.families import family_codes
from telemetry_sim.fidelity.judge_streams import tells_times
from telemetry_sim.fidelity.measures import Measure
from telemetry_sim.fidelity.queue import Server, poisson_stream, server_for, stream_of, tail_ttft_s
from telemetry_sim.fidelity.rings import Sessions, log_tails, on_ring, picked, sessions_of
from telemetry_sim.fidelity.splits import halves
from telemetry_sim.laws import Floats

SYSTEM_BAR = 0.15
"""Bar of the issue."""
SPLITS = 5
COVERED = (0.05, 0.95)
RING_CALLS = 12_000_000
MOST_RINGS, LEAST_RINGS = 400, 20
"""Rings of the real trace: as many as hold `RING_CALLS` calls together, between these."""
RINGS_PER_DRAW = 5
RESAMPLES, RINGS_PER_RESAMPLE = 50, 20
NORMAL_90 = 1.645
"""Half a 90 % interval, in standard deviations of a normal law."""
NAME = "system_p99_ttft_s"


def system_measures(real: pl.DataFrame, synthetic: Iterable[pl.DataFrame], seed: int) -> tuple[Measure, Measure]:
    """99th percentile of the time to first token of one queue: real against synthetic, real against single-Poisson.

    The server is scaled to the real trace once and serves all. A trace that tells its own times is one stream; its
    halves, for the noise floor, are each served by a server half as fast. Sessions that tell only inner times are laid
    on many rings as long as the real trace's, and halves on rings shorter in proportion; figures are geometric means.

    Args:
        real: A ModelCalls frame.
        synthetic: Synthetic traces of it, drawn with different seeds; taken one at a time.
        seed: Root of begins, splits and resamples.
    """
    compare = _of_times if tells_times(real) else _of_sessions
    return compare(real, synthetic, seed)


def system_note(ours: Measure, single: Measure) -> str:
    """One sentence that sets the fitted surface beside the single-Poisson generator."""
    misses = [f"{abs(row.relative_error or 0.0):.1%}" for row in (ours, single)]
    return (
        f"system check: p99 TTFT of the fitted surface is off by {misses[0]}, of a single-Poisson generator on the "
        f"same data by {misses[1]}; two halves of the trace differ by {ours.noise_floor or 0.0:.1%}"
    )


def _of_times(real: pl.DataFrame, synthetic: Iterable[pl.DataFrame], seed: int) -> tuple[Measure, Measure]:
    generator = np.random.default_rng(seed)
    stream = stream_of(real)
    server = server_for(stream)
    own = np.log(tail_ttft_s(stream, server))
    made = np.log([tail_ttft_s(stream_of(calls), server) for calls in synthetic])
    slow = Server(speed_ratio=server.speed_ratio / 2.0)
    parts = [halves(real, seed + number) for number in range(SPLITS)]
    tails = [[np.log(tail_ttft_s(stream_of(half), slow)) for half in pair] for pair in parts]
    floor = float(np.median([_relative(abs(one - other)) for one, other in tails]))
    single = np.log([tail_ttft_s(poisson_stream(stream, generator), server) for _ in made])
    return (
        _row(NAME, own, float(np.median(made)), np.quantile(made, COVERED), floor, SYSTEM_BAR),
        _row(f"{NAME}_single_poisson", own, float(np.median(single)), np.quantile(single, COVERED), floor, None),
    )


def _of_sessions(real: pl.DataFrame, synthetic: Iterable[pl.DataFrame], seed: int) -> tuple[Measure, Measure]:
    generator = np.random.default_rng(seed)
    sessions = sessions_of(real)
    span_s = sessions.ring_s
    ring = on_ring(sessions, span_s, generator)
    server = server_for(ring)
    rings = int(np.clip(RING_CALLS // real.height, LEAST_RINGS, MOST_RINGS))
    own = float(log_tails(sessions, span_s, server, rings, generator).mean())
    made = [log_tails(sessions_of(calls), span_s, server, RINGS_PER_DRAW, generator).mean() for calls in synthetic]
    floors = []
    for number in range(SPLITS):
        pair = [sessions_of(half) for half in halves(real, seed + number)]
        one, other = (_halved(half, span_s / sessions.count, server, rings // 2, generator) for half in pair)
        floors.append(_relative(abs(one - other)))
    floor, interval = float(np.median(floors)), _resampled(real, sessions, span_s, server, own, generator)
    single = [np.log(tail_ttft_s(poisson_stream(ring, generator), server)) for _ in range(rings // 4)]
    return (
        _row(NAME, own, float(np.mean(made)), interval, floor, SYSTEM_BAR),
        _row(f"{NAME}_single_poisson", own, float(np.mean(single)), interval, floor, None),
    )


def _halved(half: Sessions, s_per_session: float, server: Server, rings: int, generator: np.random.Generator) -> float:
    """Mean log tail of a half, on rings with as many sessions per second as the whole's."""
    return float(log_tails(half, s_per_session * half.count, server, rings, generator).mean())


def _resampled(
    real: pl.DataFrame,
    sessions: Sessions,
    span_s: float,
    server: Server,
    own: float,
    generator: np.random.Generator,
) -> Floats:
    """90 % interval of the real trace's mean log tail under resampling of families, less the rings' own scatter."""
    families = family_codes(real)
    code = pl.DataFrame({"session_id": sessions.names}).join(families, on="session_id", maintain_order="left")
    order = np.argsort(code["family"].to_numpy(), kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(code["family"].to_numpy()[order])) + 1)
    resamples = int(np.clip(RING_CALLS // (real.height * RINGS_PER_RESAMPLE), 5, RESAMPLES))
    tails = []
    for _ in range(resamples):
        drawn = np.concatenate([members[at] for at in generator.integers(0, len(members), len(members))])
        tails.append(log_tails(picked(sessions, drawn), span_s, server, RINGS_PER_RESAMPLE, generator))
    found = np.asarray(tails)
    noise = float(found.var(axis=1, ddof=1).mean()) / RINGS_PER_RESAMPLE
    width = NORMAL_90 * np.sqrt(max(float(found.mean(axis=1).var(ddof=1)) - noise, 0.0))
    return np.array([own - width, own + width])


def _relative(difference: float) -> float:
    return float(np.expm1(difference))


def _row(name: str, own: float, made: float, interval: Floats, floor: float, bar: float | None) -> Measure:
    """The row of one comparison, from logarithms."""
    low, high = np.exp(interval)
    return Measure(
        metric=name,
        noise_floor=floor,
        value_real=float(np.exp(own)),
        value_synthetic=float(np.exp(made)),
        relative_error=_relative(made - own),
        interval=(float(low), float(high)),
        bar=bar,
    )
