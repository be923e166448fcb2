"""A chip as the numbers a recommendation may change, one at a time or as a table of many."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog.errors import BadSpec

DESIGN_NODES = frozenset({"N7", "N5", "N4", "N3", "N2"})
"""Logic processes that a design may be drawn in: those whose area, energy and cost the physical model knows."""

FABRICS: tuple[str, ...] = ("host", "torus", "mesh", "switch", "reducing_switch")
"""How the packages of a scale-up domain are joined: by the host's PCIe, by links to neighbours in three dimensions, by
links between all pairs, by a switch, by a switch that adds up what it passes on (NVLink SHARP)."""

RATIO_FIELDS = frozenset({"fp8_rate_ratio", "fp4_rate_ratio", "int8_rate_ratio"})
"""Fields that may be 0: the chip lacks the data type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipDesign:
    """One package. Rates are peaks at `clock_hz`; one fused multiply-add counts as 2 FLOP."""

    name: str
    node: str
    """Logic process, one of `DESIGN_NODES`; a chip that is only timed may be in another."""
    fabric: str
    """How the scale-up domain is joined, one of `FABRICS`."""
    dies_count: float
    """Compute dies in the package."""
    cores_count: float
    """Active cores (SM, CU, slice) in the package."""
    matrix_flop_per_clk: float
    """Dense bf16 matrix FLOP per clock and core; fp16 on a chip that is only timed and lacks bf16."""
    fp8_rate_ratio: float
    """Rate at fp8 over the rate at bf16; 0 where the type is not built in. So the next two."""
    fp4_rate_ratio: float
    int8_rate_ratio: float
    vector_flop_per_clk: float
    """FP32 vector FLOP per clock and core."""
    exponent_per_clk: float
    """Exponentials per clock and core."""
    smem_bytes: float
    """Software-managed SRAM (L1, shared memory, tensor memory) per core."""
    l2_bytes: float
    """Cache or SRAM shared by the cores of the package."""
    l2_bytes_per_clk: float
    hbm_stacks_count: float
    """HBM stacks; 32-bit channels of GDDR on a chip that is only timed."""
    hbm_stack_bytes: float
    hbm_stack_bytes_per_s: float
    link_bytes_per_s: float
    """Scale-up bandwidth of the package in one direction."""
    link_world_count: float
    """Packages in the scale-up domain."""
    collective_latency_s: float
    """Time of the smallest all-reduce in the scale-up domain."""
    launch_latency_s: float
    """Time from the end of one kernel to useful work in the next, in a captured graph."""
    overlap_exponent: float
    """How well matrix work, L2 and HBM traffic overlap: 1 not at all, 10 fully."""
    clock_hz: float
    tdp_w: float

    def __post_init__(self) -> None:
        if self.fabric not in FABRICS:
            raise BadSpec(f"chip design {self.name}: fabric is {self.fabric!r}; it must be one of {', '.join(FABRICS)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                continue
            floor_ok = value >= 0.0 if field.name in RATIO_FIELDS else value > 0.0
            if not (np.isfinite(value) and floor_ok):
                raise BadSpec(f"chip design {self.name}: {field.name} is {value}; it must be finite and above 0")

    @property
    def hbm_bytes(self) -> float:
        """Memory capacity of the package."""
        return self.hbm_stacks_count * self.hbm_stack_bytes

    @property
    def hbm_bytes_per_s(self) -> float:
        """Memory bandwidth of the package."""
        return self.hbm_stacks_count * self.hbm_stack_bytes_per_s


NUMERIC_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(ChipDesign) if f.type is float)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignTable:
    """Many chip designs as columns; every array has one entry per design."""

    name: tuple[str, ...]
    node: tuple[str, ...]
    fabric: tuple[str, ...]
    dies_count: Float[np.ndarray, "designs"]
    cores_count: Float[np.ndarray, "designs"]
    matrix_flop_per_clk: Float[np.ndarray, "designs"]
    fp8_rate_ratio: Float[np.ndarray, "designs"]
    fp4_rate_ratio: Float[np.ndarray, "designs"]
    int8_rate_ratio: Float[np.ndarray, "designs"]
    vector_flop_per_clk: Float[np.ndarray, "designs"]
    exponent_per_clk: Float[np.ndarray, "designs"]
    smem_bytes: Float[np.ndarray, "designs"]
    l2_bytes: Float[np.ndarray, "designs"]
    l2_bytes_per_clk: Float[np.ndarray, "designs"]
    hbm_stacks_count: Float[np.ndarray, "designs"]
    hbm_stack_bytes: Float[np.ndarray, "designs"]
    hbm_stack_bytes_per_s: Float[np.ndarray, "designs"]
    link_bytes_per_s: Float[np.ndarray, "designs"]
    link_world_count: Float[np.ndarray, "designs"]
    collective_latency_s: Float[np.ndarray, "designs"]
    launch_latency_s: Float[np.ndarray, "designs"]
    overlap_exponent: Float[np.ndarray, "designs"]
    clock_hz: Float[np.ndarray, "designs"]
    tdp_w: Float[np.ndarray, "designs"]

    @classmethod
    def of(cls, designs: Sequence[ChipDesign]) -> "DesignTable":
        """Stack designs into columns, in the order given."""
        columns = {name: np.array([getattr(d, name) for d in designs], dtype=np.float64) for name in NUMERIC_FIELDS}
        return cls(
            name=tuple(d.name for d in designs),
            node=tuple(d.node for d in designs),
            fabric=tuple(d.fabric for d in designs),
            **columns,
        )

    def row(self, index: int) -> ChipDesign:
        """The design at one position."""
        numbers = {name: float(getattr(self, name)[index]) for name in NUMERIC_FIELDS}
        return ChipDesign(name=self.name[index], node=self.node[index], fabric=self.fabric[index], **numbers)

    def take(self, index: Int[np.ndarray, "chosen"]) -> "DesignTable":
        """The designs at some positions, in that order."""
        numbers = {name: getattr(self, name)[index] for name in NUMERIC_FIELDS}
        chosen = [int(i) for i in index]
        return DesignTable(
            name=tuple(self.name[i] for i in chosen),
            node=tuple(self.node[i] for i in chosen),
            fabric=tuple(self.fabric[i] for i in chosen),
            **numbers,
        )

    @property
    def hbm_bytes(self) -> Float[np.ndarray, "designs"]:
        """Memory capacity of each package."""
        return self.hbm_stacks_count * self.hbm_stack_bytes

    @property
    def hbm_bytes_per_s(self) -> Float[np.ndarray, "designs"]:
        """Memory bandwidth of each package."""
        return self.hbm_stacks_count * self.hbm_stack_bytes_per_s

    def __len__(self) -> int:
        return len(self.name)
