"""The law of when calls or sessions start: a few numbers, never the times themselves."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from telemetry_sim.errors import ParameterError


class ArrivalFamily(StrEnum):
    """Families that a fit chooses from, simplest first."""

    RENEWAL = "renewal"
    """Independent gaps at one rate: Poisson, Gamma or Weibull."""
    MODULATED = "modulated"
    """The logarithm of the rate wanders as a sum of Gaussian autoregressions (a log-Gaussian Cox process)."""
    ON_OFF = "on_off"
    """Bursts of exponential length, whose rate wanders, between silences of one or two mean lengths."""


class GapLaw(StrEnum):
    """Law of the gaps at a constant rate, with mean 1."""

    EXPONENTIAL = "exponential"
    GAMMA = "gamma"
    WEIBULL = "weibull"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPart:
    """One Gaussian autoregression of the log-rate."""

    sigma_ratio: float
    """Standard deviation of the log-rate."""
    memory_s: float
    """Time after which the correlation has fallen to 1/e."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencePhase:
    """One kind of silence between bursts."""

    share_ratio: float
    """Share of the silences that are of this kind."""
    mean_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHarmonic:
    """One harmonic of the daily course of the log-rate: a cos + b sin of (number x time of day)."""

    cosine_ratio: float
    sine_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the rate is expected to run: a daily course where the trace spans days, else a coarse trend."""

    day_harmonics: tuple[DayHarmonic, ...] = ()
    """Of the log-rate, time of day counted from the trace's begin, one cycle a day upwards."""
    trend_log_ratios: tuple[float, ...] = ()
    """Log-rate at knots spread evenly over the fitted span, five minutes or more apart; linear between them."""
    trend_span_s: float = 0.0
    """The fitted span; later times hold the last knot's rate."""
    size_scores: tuple[float, ...] = ()
    """Mean normal score of the calls' sizes at knots spread evenly over `size_span_s`; empty if sizes do not drift."""
    size_span_s: float = 0.0
    size_rate_slope_ratio: float = 0.0
    """Mean normal score of the sizes per logarithm of the rate around a call over the expected one."""
    size_sigma_ratio: float = 0.0
    """Deviation of the pace: spells of large and of small sizes."""
    size_memory_s: float = 1.0
    """Time after which the correlation of the pace has fallen to 1/e."""

    @property
    def parameter_count(self) -> int:
        """How many numbers the course holds."""
        return (
            2 * len(self.day_harmonics)
            + max(len(self.trend_log_ratios) - 1, 0)
            + len(self.size_scores)
            + self._pace_count
        )

    @property
    def _pace_count(self) -> int:
        return bool(self.size_rate_slope_ratio) + 2 * bool(self.size_sigma_ratio)


FLAT = Course()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalLaw:
    """When things start, over any span; drawn by `draw_arrivals`."""

    family: ArrivalFamily
    rate_per_s: float
    """Mean over the fitted span."""
    gap_law: GapLaw = GapLaw.EXPONENTIAL
    gap_shape_ratio: float = 1.0
    """Shape of the gap law; below 1 arrivals come in clumps."""
    step_s: float = 1.0
    """Grid on which the rate changes."""
    levels: tuple[LevelPart, ...] = ()
    burst_mean_s: float = math.inf
    """Mean length of a burst; infinite where there are no silences."""
    silences: tuple[SilencePhase, ...] = ()
    course: Course = FLAT
    tick_s: float = 0.0
    """Grid that the source rounded its times down to; 0 for none."""

    def __post_init__(self) -> None:
        numbers = (self.rate_per_s, self.gap_shape_ratio, self.step_s, self.burst_mean_s)
        if not all(number > 0 for number in numbers) or self.tick_s < 0:
            raise ParameterError(f"an arrival law needs a rate, a shape, a step and burst lengths above 0: {self}")
        if (self.family is ArrivalFamily.ON_OFF) != bool(self.silences):
            raise ParameterError(f"silences belong to the family on_off and to no other: {self}")

    @property
    def parameter_count(self) -> int:
        """How many numbers the law holds."""
        shaped = self.gap_law is not GapLaw.EXPONENTIAL
        silent = 2 * len(self.silences) if self.silences else 0
        return 1 + shaped + 2 * len(self.levels) + silent + self.course.parameter_count


def law_to_dict(law: ArrivalLaw) -> dict[str, Any]:
    """The law as plain values for a parameter file; what stands at its default is left out."""
    defaults = {field.name: field.default for field in fields(ArrivalLaw)}
    kept = {field.name: getattr(law, field.name) for field in fields(ArrivalLaw)}
    return {name: _plain(value) for name, value in kept.items() if value != defaults[name]}


def law_from_dict(plain: Mapping[str, Any]) -> ArrivalLaw:
    """The law out of a parameter file.

    Raises:
        ParameterError: if a name is unknown or missing, or a number outside its limits.
    """
    known = {field.name for field in fields(ArrivalLaw)}
    if not {"family", "rate_per_s"} <= set(plain) <= known:
        raise ParameterError(f"an arrival law has the keys {sorted(known)}, found {sorted(plain)}")
    given = dict(plain)
    try:
        course = dict(given.get("course", {}))
        course["day_harmonics"] = tuple(DayHarmonic(**part) for part in course.get("day_harmonics", ()))
        for name in ("trend_log_ratios", "size_scores"):
            course[name] = tuple(float(value) for value in course.get(name, ()))
        given["course"] = Course(**course)
        given["family"] = ArrivalFamily(given["family"])
        given["gap_law"] = GapLaw(given.get("gap_law", GapLaw.EXPONENTIAL))
        given["levels"] = tuple(LevelPart(**part) for part in given.get("levels", ()))
        given["silences"] = tuple(SilencePhase(**part) for part in given.get("silences", ()))
        return ArrivalLaw(**given)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"not an arrival law: {error}") from error


def _plain(value: Any) -> Any:
    """Enums as text, numpy numbers as Python's, dataclasses and tuples as dicts and lists."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(part) for name, part in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return float(value)
