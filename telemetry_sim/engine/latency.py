"""The incumbent's latency as a table fitted to traces, and the seam where a later generation brings its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from telemetry_sim.engine.measured import MeasuredTable
from telemetry_sim.errors import LatencyError
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Latency
from telemetry_sim.parameters.files import surface_parameters
from warehouse.contracts import SERVICE_TIERS, Surface

LOAD_HOURS = 48
MAX_LOAD_RATIO = 0.97
"""An hour offered more than its capacity is served as if offered this much: queues do not grow without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyTable:
    """How long calls of one surface take over two days.

    Time to first token = queue + noise x (fixed + uncached tokens x uncached_s_per_token + context term at the
    prompt's length); each further token takes the decode time at that length. Both are linear between knots and
    constant outside them. The queue is that of M/M/1: a call waits with chance `load_ratio`, then exponentially.
    """

    fixed_s: float
    uncached_s_per_token: float
    context_tokens: Floats
    """Knots, increasing."""
    context_s: Floats
    decode_s_per_token: Floats
    first_token_sigma_ratio: float
    decode_sigma_ratio: float
    load_ratio: Floats
    """Chance of waiting by hour, shape (48,)."""
    queue_s: Floats
    """Mean wait of those who wait, shape (tiers, 48)."""

    def __post_init__(self) -> None:
        knots = self.context_tokens.shape
        if (
            self.context_s.shape != knots
            or self.decode_s_per_token.shape != knots
            or np.any(np.diff(self.context_tokens) <= 0.0)
        ):
            raise LatencyError(f"latency table: knots {self.context_tokens} must increase and match both value lists")
        if self.load_ratio.shape != (LOAD_HOURS,) or self.queue_s.shape != (len(SERVICE_TIERS), LOAD_HOURS):
            raise LatencyError(f"latency table: load {self.load_ratio.shape} and queue {self.queue_s.shape} need 48 h")
        smallest = min(self.fixed_s, self.uncached_s_per_token, self.context_s.min(), self.queue_s.min())
        if smallest < 0.0 or self.decode_s_per_token.min() <= 0.0:
            raise LatencyError(f"latency table: a time of {smallest} s; times must not be negative")

    def context_term_s(self, input_tokens: Ints) -> Floats:
        """Part of the time to first token that the prompt's length adds."""
        return np.asarray(np.interp(input_tokens, self.context_tokens, self.context_s), dtype=np.float64)

    def first_token_noise(self, normals: Floats) -> Floats:
        """Factor on the time to first token, for standard normals."""
        return np.asarray(np.exp(self.first_token_sigma_ratio * normals), dtype=np.float64)

    def service_s(self, input_tokens: Ints, uncached_tokens: Ints, normals: Floats) -> Floats:
        """Time to first token without the queue, for arrays of calls and their standard normals."""
        typical_s = self.fixed_s + self.uncached_s_per_token * uncached_tokens + self.context_term_s(input_tokens)
        return np.asarray(typical_s * self.first_token_noise(normals), dtype=np.float64)

    def token_s(self, input_tokens: Ints, normals: Floats) -> Floats:
        """Decode time per output token, for arrays of calls and their standard normals."""
        typical_s = np.interp(input_tokens, self.context_tokens, self.decode_s_per_token)
        return np.asarray(typical_s * np.exp(self.decode_sigma_ratio * normals), dtype=np.float64)


class LatencyLaw(Protocol):
    """Whoever can say how long calls take when a surface offers this much load."""

    def table(self, surface: Surface, offered_ratio: Floats) -> LatencyTable | MeasuredTable:
        """The table of a surface.

        Args:
            surface: Whose calls.
            offered_ratio: Load by hour over the start day and the next, shape (48,), 1 = mean of a working day.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IncumbentLatency:
    """Latency of the chips in service, by laws fitted to traces; `slowdown_ratio` scales every time for what-ifs."""

    slowdown_ratio: float = 1.0
    parameters: Mapping[Surface, Latency] = field(default_factory=dict)
    """Replaces the shipped latency parameters of the surfaces named."""

    def table(self, surface: Surface, offered_ratio: Floats) -> LatencyTable:
        """The table of a surface under this load."""
        law = self.parameters.get(surface) or surface_parameters(surface).latency
        slow = self.slowdown_ratio
        load = np.minimum(offered_ratio / law.capacity_ratio, MAX_LOAD_RATIO)
        by_tier = np.asarray(law.tier_queue_ratio)[:, None]
        return LatencyTable(
            fixed_s=law.fixed_s * slow,
            uncached_s_per_token=law.uncached_s_per_token * slow,
            context_tokens=np.asarray(law.context_tokens),
            context_s=np.asarray(law.context_s) * slow,
            decode_s_per_token=np.full(len(law.context_tokens), law.decode_s_per_token * slow),
            first_token_sigma_ratio=law.first_token_sigma_ratio,
            decode_sigma_ratio=law.decode_sigma_ratio,
            load_ratio=load,
            queue_s=by_tier * (law.queue_s * slow / (1.0 - load)),
        )
