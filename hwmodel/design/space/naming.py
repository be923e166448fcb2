"""Names of points: short ids and words for levels that are choices."""

from collections.abc import Mapping
from functools import cache

from hwmodel.catalog import FABRICS, ChipDesign
from hwmodel.design.space.memory import hbm_name
from hwmodel.design.space.parameter import KINDS, NODES


def design_id(changes: Mapping[str, float], baseline: str) -> str:
    """Short and readable: initial and new value of each change; the baseline's name where nothing changes."""
    return "-".join(_part(name, value) for name, value in changes.items()) or baseline


def level_name(parameter: str, value: float, baseline: ChipDesign) -> str | None:
    """The word for a level that is a choice, such as a process; None for an amount."""
    match parameter:
        case "node":
            return NODES[int(value)]
        case "fabric":
            return FABRICS[int(value)].replace("_", " ")
        case "hbm_generation":
            return hbm_name(baseline, value)
        case _:
            return None


@cache
def _part(name: str, value: float) -> str:
    kind = KINDS[name]
    if name == "node":
        return NODES[int(value)]
    return f"{kind.initial}{value * kind.shown_per_si:.4g}"
