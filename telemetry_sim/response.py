"""How demand answers to another chip in service: more sessions where serving got cheaper or faster."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import yaml

from telemetry_sim.errors import ParameterError, SettingsError
from telemetry_sim.settings import SimulationSettings
from warehouse.contracts import EvidenceKind, Surface

SOURCE = "demand_response.yaml"
ENDS = ("low", "typical", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    """Per cent more sessions per cent less price, and per cent less time to the last token."""

    price_ratio: float
    latency_ratio: float

    def __post_init__(self) -> None:
        if self.price_ratio < 0.0 or self.latency_ratio < 0.0:
            raise ParameterError(f"{SOURCE}: elasticities {self} must not be negative: they say how much demand grows")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChange:
    """The service of one surface after a change of chip over that before."""

    price_ratio: float
    latency_ratio: float

    def __post_init__(self) -> None:
        if not (self.price_ratio > 0.0 and self.latency_ratio > 0.0):
            raise SettingsError(f"a service cannot change by {self}; both ratios must be above 0")


def volume_ratio(change: ServiceChange, elasticity: Elasticity, *, scale_ratio: float = 1.0) -> float:
    """Sessions after the change over sessions before: constant elasticities, price and latency one by one.

    Args:
        change: What became of price and latency.
        elasticity: Of the surface.
        scale_ratio: Multiplies both elasticities; 0 switches the answer off.
    """
    by_price = change.price_ratio ** (-scale_ratio * elasticity.price_ratio)
    return float(by_price * change.latency_ratio ** (-scale_ratio * elasticity.latency_ratio))


def answered(settings: SimulationSettings, ratios: Mapping[Surface, float]) -> SimulationSettings:
    """The simulation with each surface's calls scaled; ratios of 1 leave it as it is, to the byte.

    Raises:
        SettingsError: A surface that has calls is given no ratio.
    """
    lacking = [surface.value for surface in settings.surface_shares if surface not in ratios]
    if lacking:
        raise SettingsError(f"no answer is known of {', '.join(lacking)}; give every simulated surface its ratio")
    if all(ratios[surface] == 1.0 for surface in settings.surface_shares):
        return settings
    calls = {surface: share * ratios[surface] for surface, share in settings.surface_shares.items()}
    total = sum(calls.values())
    return replace(
        settings,
        calls_per_day=max(1, round(settings.calls_per_day * total)),
        surface_shares={surface: share / total for surface, share in calls.items()},
    )


@cache
def elasticities(end: str = "typical") -> Mapping[Surface, Elasticity]:
    """The declared elasticities by surface, at their typical value or at an end of their range.

    Raises:
        ParameterError: The file or the end cannot be used.
    """
    if end not in ENDS:
        raise ParameterError(f"{SOURCE}: {end!r} is none of {', '.join(ENDS)}")
    at = ENDS.index(end)
    content = yaml.safe_load((files("telemetry_sim") / SOURCE).read_text(encoding="utf-8"))
    try:
        return {surface: _elasticity(content[surface.value], at) for surface in Surface}
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ParameterError(f"{SOURCE}: {error!r}; each surface needs price, latency, source and kind") from error


def _elasticity(entry: Mapping[str, object], at: int) -> Elasticity:
    EvidenceKind(str(entry["kind"]))
    price, latency = entry["price"], entry["latency"]
    if not isinstance(price, list) or not isinstance(latency, list):
        raise TypeError("price and latency are lists of low, typical and high")
    return Elasticity(price_ratio=float(price[at]), latency_ratio=float(latency[at]))
