"""A fitted surface: the few hundred numbers that a trace leaves behind, and where they came from."""

from dataclasses import dataclass
from enum import StrEnum

from telemetry_sim.errors import ParameterError
from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.fitted.mixture import MixtureLaw


class Driver(StrEnum):
    """Who brought a call about."""

    OPENING = "opening"
    """The first call of a session."""
    TOOL = "tool"
    """A tool's result (or the same request going on)."""
    HUMAN = "human"
    """A human's next request."""


EFFECTS = ("output", "growth", "tool_gap", "human_gap", "turn")
"""Quantities whose normal scores have a session effect."""
WAVES = ("output", "tool_gap", "growth")
"""Quantities whose normal scores remember the call before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the numbers of a surface came from."""

    source_name: str
    source_id: str
    calls_count: int
    sessions_count: int
    first_day: str
    span_s: float
    not_told: tuple[str, ...]
    """Columns that are null everywhere in the trace, and what could not be fitted for want of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEffects:
    """How a session's scores lie around their own mean: a Gaussian copula over sessions, autoregressions inside.

    The score of effect j in session s is intercept[j] + first_slope[j] x score of the first prompt + large_shift[j] if
    the session's context has no limit + a residual, plus within_sigma[j] times noise of variance 1 that remembers
    memory[j] of the call before.
    """

    intercept: tuple[float, ...]
    first_slope: tuple[float, ...]
    large_shift: tuple[float, ...]
    residual_covariance: tuple[tuple[float, ...], ...]
    within_sigma_ratio: tuple[float, ...]
    memory_ratio: tuple[float, ...]
    step_correlation: tuple[tuple[float, ...], ...]
    """Between the answer before, the gap and the growth of one step."""
    gap_output_correlation_ratio: float
    """Between the gap and the answer that follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the mean scores change along a session: the first steps of a fresh session read much, then little."""

    step_edges_count: tuple[float, ...]
    first_edges_tokens: tuple[float, ...]
    """Inner edges of the bands of the session's first prompt."""
    shift: tuple[tuple[tuple[float, ...], ...], ...]
    """By effect (all but turns), by band of the first prompt, by band of the step."""
    spread: tuple[tuple[tuple[float, ...], ...], ...]
    """Factor on the spread around the session's mean, likewise."""
    reach: tuple[tuple[tuple[float, ...], ...], ...]
    """Factor on the session effect, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLaw:
    """What the context does to a session of one class: prompts shrink (compaction, rewriting), sessions end.

    Edges are the inner ones of bands of the context before; hazards and factors have one number more.
    """

    most_tokens: int
    """A prompt that would pass this is shrunk."""
    shrink_edges_tokens: tuple[float, ...]
    tool_hazard_ratio: tuple[float, ...]
    """Share of tool-driven calls that shrink."""
    human_hazard_ratio: tuple[float, ...]
    end_edges_tokens: tuple[float, ...]
    end_factor_ratio: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLaw:
    """When a session ends: after each call with probability step rate x context factor, at most 1.

    Sessions end where their context nears its limit as much as where their user is done, so that calls per session,
    first prompt and growth hang together.
    """

    step_edges_count: tuple[float, ...]
    """Inner edges of the bands of calls so far."""
    step_rate_ratio: tuple[float, ...]
    most_calls: int
    """A session ends here at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassShare:
    """Classes of sessions: 0 fresh, 1 resumed (by the first prompt), 2 without a limit on their context (by chance)."""

    resumed_from_tokens: float
    first_edges_tokens: tuple[float, ...]
    large_ratio: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixLaw:
    """How much of a prompt is the prompt before."""

    block_tokens: int
    opening_tokens: MixtureLaw
    """Shared with an earlier session by a session's first call."""
    cut_ratio: float
    """Share of growing calls that lose more than a block of the prompt before."""
    cut_lost_ratio: MixtureLaw | None
    """What they lose, as a share of the prompt before."""
    shrunk_kept_tokens: MixtureLaw | None
    """What a shrunk prompt shares where it was rewritten."""
    shrunk_tail_ratio: float = 0.0
    """Share of shrunk prompts that keep most of the prompt before and only end otherwise; they lose what growing ones
    lose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLaw:
    """The server's time: (base + per token x output) x lognormal noise of the session and of the call."""

    base_s: float
    per_output_token_s: float
    session_sigma_ratio: float
    call_sigma_ratio: float
    told_ratio: tuple[float, ...]
    """Share of calls whose duration the trace tells: where a tool drives the next call, where a human does, at the end.
    The gap after a call that does not tell its duration holds the server's time too."""
    ttft_edges_tokens: tuple[float, ...]
    ttft_median_s: tuple[float, ...]
    """By band of the prompt, one more than edges; empty where the trace tells no first-token times."""
    ttft_sigma_ratio: float
    streamed_ratio: tuple[float, ...]
    """Share of calls that tell the time to first token, by the same bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTable:
    """Shares of words by band: models by first prompt, finish reasons by who drives the next call."""

    words: tuple[str, ...]
    """An empty word stands for null."""
    bands: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    """One row per band, each summing to 1."""

    def __post_init__(self) -> None:
        if any(abs(sum(row) - 1.0) > 1e-6 or len(row) != len(self.words) for row in self.shares):
            raise ParameterError(f"shares of {self.words} must have one number per word and sum to 1: {self.shares}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSurface:
    """Everything that `simulate_fitted` plays."""

    name: str
    product: str
    """Word of the vocabulary `Surface`."""
    tier: str
    provenance: Provenance
    arrivals: ArrivalLaw
    ending: EndLaw
    classes: ClassShare
    contexts: tuple[ContextLaw, ...]
    """By class of the session; a missing class is like the last one."""
    kept_ratio: MixtureLaw | None
    """A shrunk prompt over the prompt before; None where prompts never shrink."""
    course: Course
    first_input: MixtureLaw
    output: dict[Driver, MixtureLaw]
    growth: dict[Driver, MixtureLaw]
    """Under `opening`: the second call of a fresh session."""
    gap: dict[Driver, MixtureLaw]
    calls_per_turn: MixtureLaw | None
    effects: SessionEffects
    prefix: PrefixLaw | None
    service: ServiceLaw | None
    finish: ShareTable | None
    model: ShareTable | None
    model_edges_tokens: tuple[float, ...]
    lookback_s: float | None = None
    """Set where conversations were found in a trace of single calls: so long before the span they begin, and calls
    stand alone in the frame. None where the trace tells its sessions."""
    dependence: tuple[tuple[float, ...], ...] = ()
    """Of the answer's rank on the prompt's, where calls stand alone (`shares_given`); both laws hold as they are."""
