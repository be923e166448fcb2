"""Modelled die areas and module costs beside published ones: which agreement is a check, which only consistency."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hwmodel.catalog import Catalog, ChipDesign, DesignTable, design_of
from hwmodel.physical.area import die_area
from hwmodel.physical.cost import module_cost

MM2 = 1e-6
AREA_BAR = 0.10
COST_BAR = 0.25
ALDEBARAN = "aldebaran"
ALDEBARAN_NUMBERS: Mapping[str, Any] = MappingProxyType(
    {
        "dies_count": 1.0,
        "cores_count": 104.0,
        "matrix_flop_per_clk": 1024.0,
        "fp8_rate_ratio": 0.0,
        "fp4_rate_ratio": 0.0,
        "int8_rate_ratio": 1.0,
        "vector_flop_per_clk": 256.0,
        "exponent_per_clk": 16.0,
        "smem_bytes": 80 * 2.0**10,
        "l2_bytes": 8 * 2.0**20,
        "l2_bytes_per_clk": 4096.0,
        "hbm_stacks_count": 4.0,
        "hbm_stack_bytes": 16e9,
        "hbm_stack_bytes_per_s": 409.6e9,
        "link_bytes_per_s": 400e9,
        "clock_hz": 1.7e9,
        "tdp_w": 300.0,
    }
)
"""The die of MI210 and half of MI250X, by AMD's CDNA 2 white paper (recalled): 181 TFLOP/s bf16 and 45.3 TFLOP/s packed
FP32 over 104 units at 1.7 GHz, 64 KiB of local memory and 16 KiB of L1 per unit, 32 channels of L2 of 128 bytes per
clock, eight links of 50 GB/s per direction. N6 is taken as N7; what is not listed is as A100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A number that somebody outside this project gives for a real chip."""

    chip: str
    value: float
    source: str
    """Key in docs/sources.md."""
    derived: str
    """What of the model was derived from this chip; empty where nothing was."""


DIE_AREAS_M2: tuple[Published, ...] = (
    Published(chip="a100-sxm-80", value=826 * MM2, source="die-shots", derived="control logic, uncore, density of N7"),
    Published(chip="h100-sxm", value=814 * MM2, source="die-shots", derived="density of N4, harvest"),
    Published(chip=ALDEBARAN, value=720 * MM2, source="llmcompass", derived=""),
)
MODULE_USD: tuple[Published, ...] = (
    Published(chip="h100-sxm", value=3300.0, source="package-press", derived="package, board, price of HBM3"),
    Published(chip="mi300x", value=5300.0, source="package-press", derived=""),
    Published(chip="b200-sxm", value=6400.0, source="package-press", derived="package, price of HBM3e"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalRow:
    """One published number beside the model's, in SI."""

    quantity: str
    """`die_area_m2` or `module_usd`."""
    chip: str
    published: float
    modelled: float
    low: float
    """The model at the low and at the high end of its constants."""
    high: float
    error: float
    """Modelled over published, less 1."""
    bar: float
    """Largest |error| that the project asks for."""
    is_within: bool
    kind: str
    """`check`, or `consistency` where a constant was derived from this chip."""
    derived: str
    source: str


def physical_rows(catalog: Catalog) -> list[PhysicalRow]:
    """Die areas of GA100, GH100 and Aldebaran, module costs of H100, MI300X and B200."""
    return [
        *(_row("die_area_m2", one, _die_m2(physical_chip(catalog, one.chip)), AREA_BAR) for one in DIE_AREAS_M2),
        *(_row("module_usd", one, _module_usd(physical_chip(catalog, one.chip)), COST_BAR) for one in MODULE_USD),
    ]


def physical_chip(catalog: Catalog, name: str) -> ChipDesign:
    """A chip of the catalogue, or Aldebaran, which is not in it.

    Raises:
        CatalogError: The catalogue lacks the chip or a number of it.
    """
    if name != ALDEBARAN:
        return design_of(catalog.chip(name), allow_estimates=True)
    return replace(design_of(catalog.chip("a100-sxm-80")), name=ALDEBARAN, **ALDEBARAN_NUMBERS)


def _die_m2(chip: ChipDesign) -> tuple[float, float, float]:
    table = DesignTable.of([chip])
    low, typical, high = (float(die_area(table, level=level).die_m2[0]) for level in ("low", "typical", "high"))
    return low, typical, high


def _module_usd(chip: ChipDesign) -> tuple[float, float, float]:
    cost = module_cost(DesignTable.of([chip]))
    return float(cost.low_usd[0]), float(cost.typical_usd[0]), float(cost.high_usd[0])


def _row(quantity: str, published: Published, modelled: tuple[float, float, float], bar: float) -> PhysicalRow:
    low, typical, high = modelled
    error = typical / published.value - 1.0
    return PhysicalRow(
        quantity=quantity,
        chip=published.chip,
        published=published.value,
        modelled=typical,
        low=low,
        high=high,
        error=error,
        bar=bar,
        is_within=abs(error) <= bar,
        kind="consistency" if published.derived else "check",
        derived=published.derived,
        source=published.source,
    )
