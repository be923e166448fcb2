"""How long the incumbent takes, and how long people wait for it."""

from dataclasses import dataclass

from telemetry_sim.laws import TimeLaw, bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The incumbent's times: TTFT = queue + noise x (fixed + uncached tokens + context term); decode per token."""

    fixed_s: float = bounded(0.0, 60.0)
    uncached_s_per_token: float = bounded(0.0, 0.1)
    context_tokens: tuple[float, ...] = bounded(0.0, 1e8)
    """Knots of the context term."""
    context_s: tuple[float, ...] = bounded(0.0, 1000.0)
    """Context term at the knots, linear between them."""
    decode_s_per_token: float = bounded(1e-5, 1.0)
    first_token_sigma_ratio: float = bounded(0.0, 3.0)
    decode_sigma_ratio: float = bounded(0.0, 3.0)
    capacity_ratio: float = bounded(0.2, 50.0)
    """Capacity of the surface's fleet over the mean load of a working day."""
    queue_s: float = bounded(0.0, 100.0)
    """Mean wait of a waiting call at low load, interactive tier."""
    tier_queue_ratio: tuple[float, ...] = bounded(0.0, 1000.0)
    """The same by tier relative to it: interactive, standard, batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long people wait before they leave: lognormal times to the first and to the last token."""

    watched_ratio: float = bounded(0.0, 1.0)
    """Calls that somebody waits for."""
    first_token: TimeLaw
    last_token: TimeLaw
