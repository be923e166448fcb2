"""The law of clients' request rates by window: rank-share of means, activity, wandering rates, unevenness of gaps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from telemetry_sim.errors import ParameterError
from telemetry_sim.fitted.arrivals import FLAT, Course, DayHarmonic


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCourse:
    """How one client, or a client of one kind, behaves from window to window."""

    active_ratio: float
    """Share of its windows in which it sends anything."""
    run_windows_count: float
    """Mean number of windows in a row in which it sends."""
    tail_shape_ratio: float
    """Shape of the Gamma law whose power the rate is: small for rates that saturate, large for lognormal ones."""
    tail_power_ratio: float
    """That power."""
    memory_windows_count: float
    """Windows after which the correlation of the rate's rank has fallen to 1/e."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapUnevenness:
    """How uneven gaps are inside a window: a Gamma or Weibull law with a lognormal shape."""

    gamma_ratio: float
    """Share of the active windows whose gaps are Gamma; the others are Weibull."""
    shape_median_ratio: float
    shape_sigma_ratio: float
    shape_by_rate: float
    """Power of (rate over its median) that the median shape goes with."""
    rate_median_per_s: float
    client_share_ratio: float
    """Share of the variance of the log-shape that lies between clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRateLaw:
    """Clients of one service and what each sends per window."""

    clients_count: int
    windows_count: int
    window_s: float
    total_rate_per_s: float
    """Mean of all clients together."""
    rank_knots: tuple[int, ...]
    """Ranks, from 1, at which the cumulated share is told; between them the share still missing falls evenly in log."""
    rank_shares: tuple[float, ...]
    """Share of the total that the clients up to each knot send."""
    leaders: tuple[ClientCourse, ...]
    """The busiest clients, by rank."""
    others: tuple[ClientCourse, ...]
    """Typical courses of the rest, from the busier to the quieter, each for an equal part of the ranks."""
    course: Course = FLAT
    """Shared daily course."""
    gaps: GapUnevenness | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        if self.clients_count < 1 or self.windows_count < 1 or self.total_rate_per_s <= 0:
            raise ParameterError(
                f"{self.clients_count} clients, {self.windows_count} windows, {self.total_rate_per_s}/s: need 1 or more"
            )
        if len(self.rank_knots) != len(self.rank_shares) or not (self.leaders or self.others):
            raise ParameterError("a client-rate law needs as many shares as ranks, and the course of a client")


def rates_to_dict(law: ClientRateLaw) -> dict[str, Any]:
    """The law as plain values for a parameter file, numbers cut to six digits."""
    return {name: _plain(value) for name, value in asdict(law).items()}


def rates_from_dict(plain: Mapping[str, Any]) -> ClientRateLaw:
    """The law out of a parameter file.

    Raises:
        ParameterError: if a name is unknown or missing, or a number outside its limits.
    """
    known = {field.name for field in fields(ClientRateLaw)}
    if not set(plain) <= known:
        raise ParameterError(f"a client-rate law has the keys {sorted(known)}, found {sorted(plain)}")
    given = dict(plain)
    try:
        course = dict(given.get("course", {}))
        course["day_harmonics"] = tuple(DayHarmonic(**part) for part in course.get("day_harmonics", ()))
        for name in ("trend_log_ratios", "size_scores"):
            course[name] = tuple(course.get(name, ()))
        given["course"] = Course(**course)
        given["leaders"] = tuple(ClientCourse(**part) for part in given["leaders"])
        given["others"] = tuple(ClientCourse(**part) for part in given["others"])
        given["rank_knots"], given["rank_shares"] = tuple(given["rank_knots"]), tuple(given["rank_shares"])
        given["gaps"] = GapUnevenness(**given["gaps"]) if given.get("gaps") else None
        return ClientRateLaw(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"not a client-rate law: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
