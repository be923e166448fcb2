"""The families of arrival laws as functions of unbounded numbers: their likelihood, their start values, their law."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from telemetry_sim.fit.arrivals_likelihood import (
    IMPOSSIBLE,
    chain_log_likelihood,
    count_probabilities,
    level_chain,
    pair_log_likelihood,
)
from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw, GapLaw, LevelPart, SilencePhase
from telemetry_sim.laws import Floats, Ints

LEVELS, PAIR_LEVELS = 15, 9
"""Grid of the log-rate: alone, and of each of two parts side by side."""
LIMIT = 16.0
"""Logarithms of parameters are kept in plus or minus this."""
EVALUATIONS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a fit sees of a stream: counts per step."""

    counts: Ints
    step_s: float

    @property
    def rate_per_s(self) -> float:
        """Mean rate."""
        return float(self.counts.mean()) / self.step_s

    def memory_s(self, logarithm: float) -> float:
        """A memory that the counts can tell: at most a quarter of their span."""
        return min(math.exp(logarithm), 0.25 * self.step_s * len(self.counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A family fitted by maximum likelihood."""

    law: ArrivalLaw
    log_likelihood: float

    def penalised(self, counted: Counted) -> float:
        """Bayesian information criterion: smaller is better."""
        return self.law.parameter_count * math.log(len(counted.counts)) - 2.0 * self.log_likelihood


def renewal(counted: Counted) -> Candidate:
    """One rate; counts spread more than Poisson's if the gaps are clumped."""

    def likelihood(point: Floats) -> float:
        spread = 1.0 + math.exp(point[0])
        table = count_probabilities(int(counted.counts.max()), np.array([counted.counts.mean()]), spread)
        return float(np.log(np.maximum(table[counted.counts, 0], 1e-300)).sum())

    found, value = _best(likelihood, np.array([math.log(max(_spread(counted.counts) - 1.0, 1e-3))]))
    poisson = count_probabilities(int(counted.counts.max()), np.array([counted.counts.mean()]), 1.0)
    plain = float(np.log(np.maximum(poisson[counted.counts, 0], 1e-300)).sum())
    law = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=counted.rate_per_s, step_s=counted.step_s)
    if 2.0 * (value - plain) <= math.log(len(counted.counts)):
        return Candidate(law=law, log_likelihood=plain)
    return Candidate(law=_with_gaps(law, 1.0 + math.exp(found[0])), log_likelihood=value)


def modulated(counted: Counted) -> Candidate:
    """A log-rate that wanders with one memory."""

    def likelihood(point: Floats) -> float:
        values, weights, chain = level_chain(math.exp(-counted.step_s / counted.memory_s(point[2])), LEVELS)
        means = np.exp(np.clip(point[0] + math.exp(point[1]) * values, -LIMIT, LIMIT)) * counted.step_s
        table = count_probabilities(int(counted.counts.max()), means, 1.0 + math.exp(point[3]))
        return chain_log_likelihood(counted.counts, weights, chain, table)

    start = np.array([math.log(counted.rate_per_s), -0.7, math.log(20.0 * counted.step_s), -1.0])
    found, value = _best_of(likelihood, [start, start + np.array([0.0, 0.0, 3.0, -1.0])])
    parts = (LevelPart(sigma_ratio=math.exp(found[1]), memory_s=counted.memory_s(found[2])),)
    law = ArrivalLaw(family=ArrivalFamily.MODULATED, rate_per_s=counted.rate_per_s, step_s=counted.step_s, levels=parts)
    return Candidate(law=_with_gaps(law, 1.0 + math.exp(found[3])), log_likelihood=value)


def twice_modulated(counted: Counted) -> Candidate:
    """A log-rate that wanders with a short and a long memory."""

    def likelihood(point: Floats) -> float:
        quick, quick_weights, quick_chain = level_chain(
            math.exp(-counted.step_s / counted.memory_s(point[2])), PAIR_LEVELS
        )
        slow, slow_weights, slow_chain = level_chain(
            math.exp(-counted.step_s / counted.memory_s(point[4])), PAIR_LEVELS
        )
        log_rate = point[0] + np.add.outer(math.exp(point[1]) * quick, math.exp(point[3]) * slow).ravel()
        means = np.exp(log_rate) * counted.step_s
        table = count_probabilities(int(counted.counts.max()), means, 1.0 + math.exp(point[5]))
        return pair_log_likelihood(counted.counts, quick_weights, quick_chain, slow_weights, slow_chain, table)

    steps = math.log(counted.step_s)
    start = np.array([math.log(counted.rate_per_s), -1.5, steps + 1.0, -1.0, steps + 5.5, -3.0])
    found, value = _best(likelihood, start)
    parts = tuple(LevelPart(sigma_ratio=math.exp(found[at]), memory_s=counted.memory_s(found[at + 1])) for at in (1, 3))
    law = ArrivalLaw(family=ArrivalFamily.MODULATED, rate_per_s=counted.rate_per_s, step_s=counted.step_s, levels=parts)
    return Candidate(law=_with_gaps(law, 1.0 + math.exp(found[5])), log_likelihood=value)


def on_off(counted: Counted, phases: int) -> Candidate:
    """Bursts whose rate wanders, between silences of one or two mean lengths."""
    step_s = counted.step_s
    most = int(counted.counts.max())

    def likelihood(point: Floats) -> float:
        values, weights, levels = level_chain(math.exp(-step_s / counted.memory_s(point[2])), LEVELS)
        shares, means_s = _silences(point, phases)
        stop = 1.0 - math.exp(-step_s / math.exp(point[4]))
        leave = 1.0 - np.exp(-step_s / means_s)
        table = np.zeros((most + 1, LEVELS + phases))
        rates = np.exp(point[0] + math.exp(point[1]) * values) * step_s
        table[:, :LEVELS] = count_probabilities(most, rates, 1.0 + math.exp(point[3]))
        table[0, LEVELS:] = 1.0
        chain = np.zeros((LEVELS + phases, LEVELS + phases))
        chain[:LEVELS, :LEVELS] = levels * (1.0 - stop)
        chain[:LEVELS, LEVELS:] = stop * shares
        chain[LEVELS:, :LEVELS] = leave[:, None] * weights
        chain[range(LEVELS, LEVELS + phases), range(LEVELS, LEVELS + phases)] = 1.0 - leave
        start = np.concatenate((weights, stop * shares / leave))
        return chain_log_likelihood(counted.counts, start / start.sum(), chain, table)

    found, value = _best(likelihood, _burst_start(counted, phases))
    shares, means_s = _silences(found, phases)
    law = ArrivalLaw(
        family=ArrivalFamily.ON_OFF,
        rate_per_s=counted.rate_per_s,
        step_s=step_s,
        levels=(LevelPart(sigma_ratio=math.exp(found[1]), memory_s=counted.memory_s(found[2])),),
        burst_mean_s=math.exp(found[4]),
        silences=tuple(
            SilencePhase(share_ratio=float(share), mean_s=float(mean))
            for share, mean in zip(shares, means_s, strict=True)
        ),
    )
    return Candidate(law=_with_gaps(law, 1.0 + math.exp(found[3])), log_likelihood=value)


def _silences(point: Floats, phases: int) -> tuple[Floats, Floats]:
    """Shares and means of the silences."""
    if phases == 1:
        return np.ones(1), np.exp(point[5:6])
    first = 1.0 / (1.0 + math.exp(-point[5]))
    return np.array([first, 1.0 - first]), np.exp(point[6:8])


def _burst_start(counted: Counted, phases: int) -> Floats:
    """Start values out of the runs of empty and busy steps."""
    busy = counted.counts > 0
    edges = np.flatnonzero(np.diff(busy.astype(np.int8))) + 1
    runs = np.diff(np.concatenate(([0], edges, [len(busy)]))) * counted.step_s
    is_busy = np.arange(len(runs)) % 2 == (0 if busy[0] else 1)
    quiet, loud = runs[~is_busy], runs[is_busy]
    rate = counted.rate_per_s / max(float(busy.mean()), 0.02)
    head = [math.log(rate), -0.6, math.log(4.0 * counted.step_s), 0.0, math.log(loud.mean())]
    if phases == 1:
        return np.array([*head, math.log(quiet.mean())])
    middle = float(np.quantile(quiet, 0.6))
    short, long = quiet[quiet <= middle].mean(), quiet[quiet >= middle].mean()
    return np.array([*head, 0.3, math.log(short), math.log(max(long, 2.0 * short))])


def _with_gaps(law: ArrivalLaw, spread: float) -> ArrivalLaw:
    """Gaps whose counts spread as found: a Gamma renewal process of shape k has variance 1/k times the mean."""
    if spread < 1.02:
        return law
    return replace(law, gap_law=GapLaw.GAMMA, gap_shape_ratio=1.0 / spread)


def _spread(counts: Ints) -> float:
    return float(counts.var() / counts.mean())


def _best_of(likelihood: Callable[[Floats], float], starts: list[Floats]) -> tuple[Floats, float]:
    return max((_best(likelihood, start) for start in starts), key=lambda found: found[1])


def _best(likelihood: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    """Maximum of a likelihood and where it lies, by Nelder and Mead's simplex within the limits."""

    def cost(point: Floats) -> float:
        outside = float(np.maximum(np.abs(point) - LIMIT, 0.0).sum())
        value = likelihood(np.clip(point, -LIMIT, LIMIT))
        return (-value if value > IMPOSSIBLE else 1e12) + 1e3 * outside

    found = minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={"maxfev": EVALUATIONS, "xatol": 1e-2, "fatol": 5e-2, "adaptive": True},
    )
    return np.clip(found.x, -LIMIT, LIMIT), -float(found.fun)
