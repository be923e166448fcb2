"""All constants of the physical model as one table, for the report and for checks."""

from collections.abc import Iterator
from types import ModuleType

from hwmodel.physical import area_constants, cost_constants, energy_constants, nre_constants
from hwmodel.physical.constant import Constant


def all_constants() -> dict[str, Constant]:
    """Every constant by dotted name: `cost.WAFER_USD.N4`, `area.HBM_PHY_M2.4.6e+11`."""
    modules = {"area": area_constants, "cost": cost_constants, "energy": energy_constants, "nre": nre_constants}
    return {f"{room}.{name}": value for room, module in modules.items() for name, value in _of(module)}


def _of(module: ModuleType) -> Iterator[tuple[str, Constant]]:
    for name, value in vars(module).items():
        if isinstance(value, Constant):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in value.items() if isinstance(item, Constant))
        elif isinstance(value, tuple):
            points = (point for point in value if isinstance(point, tuple) and isinstance(point[1], Constant))
            yield from ((f"{name}.{where:g}", item) for where, item in points)
