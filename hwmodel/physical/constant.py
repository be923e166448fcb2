"""What a physical constant is: a range with source and kind, looked up by process or along a curve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from hwmodel.physical.errors import UnknownNode
from warehouse.contracts.vocabulary import EvidenceKind

Level = Literal["low", "typical", "high"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One constant in SI. `low` and `high` bound what sources say; `typical` is what the model uses."""

    low: float
    typical: float
    high: float
    unit: str
    source: str
    kind: EvidenceKind
    note: str

    def at(self, level: Level) -> float:
        """The value at one end of the range or in the middle."""
        match level:
            case "low":
                return self.low
            case "typical":
                return self.typical
            case "high":
                return self.high


def constant(
    span: tuple[float, float, float],
    unit: str,
    source: str,
    kind: str,
    note: str,
    *,
    si_factor: float = 1.0,
) -> Constant:
    """A constant from (low, typical, high) in the source's unit; `si_factor` turns that unit into `unit`."""
    low, typical, high = (value * si_factor for value in span)
    evidence = EvidenceKind(kind)
    return Constant(low=low, typical=typical, high=high, unit=unit, source=source, kind=evidence, note=note)


def by_node(table: Mapping[str, Constant], nodes: tuple[str, ...], level: Level) -> Float[np.ndarray, "designs"]:
    """The constant of each design's logic process.

    Raises:
        UnknownNode: A process is not in the table.
    """
    names, place = np.unique(np.array(nodes, dtype=str), return_inverse=True)
    unknown = [str(name) for name in names if str(name) not in table]
    if unknown:
        raise UnknownNode(f"no constants for process {', '.join(unknown)}; known: {', '.join(table)}")
    return np.array([table[str(name)].at(level) for name in names], dtype=np.float64)[place.reshape(-1)]


def along(
    curve: tuple[tuple[float, Constant], ...], where: Float[np.ndarray, "designs"], level: Level, *, extend: bool
) -> Float[np.ndarray, "designs"]:
    """Linear between the points of a curve; flat before the first; after the last flat, or straight on (`extend`)."""
    x = np.array([point for point, _ in curve], dtype=np.float64)
    y = np.array([value.at(level) for _, value in curve], dtype=np.float64)
    inside = np.interp(where, x, y)
    if not extend:
        return inside
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return inside + np.maximum(where - x[-1], 0.0) * slope


def opposite(level: Level) -> Level:
    """The other end of a range: for a constant that divides, or a yield, where low is dear."""
    swap: dict[Level, Level] = {"low": "high", "typical": "typical", "high": "low"}
    return swap[level]
