"""The design space: the parameters that a recommendation may change, their legal steps, and the designs they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design.errors import BadSpace
from hwmodel.physical import tdp_class_w, tdp_needed_w

GB = 1e9
TB = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the chip: its name, how a screen shows it, and the values it may take."""

    name: str
    label: str
    unit: str
    shown_per_si: float
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HbmGeneration:
    """What one stack of a memory generation holds and moves."""

    name: str
    stack_bytes: float
    stack_bytes_per_s: float


HBM_GENERATIONS: tuple[HbmGeneration, ...] = (
    HbmGeneration(name="HBM3", stack_bytes=16 * GB, stack_bytes_per_s=0.67 * TB),
    HbmGeneration(name="HBM3E", stack_bytes=24 * GB, stack_bytes_per_s=1.0 * TB),
    HbmGeneration(name="HBM4", stack_bytes=36 * GB, stack_bytes_per_s=2.0 * TB),
)
"""Published: HBM3 and HBM3E as H100 and B200 run them, HBM4 at the 8 Gb/s of JESD270-4 (docs/sources.md: hbm4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignSpace:
    """All combinations of legal levels around a baseline."""

    baseline: ChipDesign
    parameters: tuple[Parameter, ...]

    def values_of_baseline(self) -> dict[str, float]:
        """The baseline as a point of the space."""
        return {p.name: _read(self.baseline, p.name) for p in self.parameters}

    def points(self) -> Float[np.ndarray, "designs parameters"]:
        """Every combination of levels, one row each, columns in the order of `parameters`."""
        return np.array(list(product(*[p.levels for p in self.parameters])), dtype=np.float64)

    def designs(self, points: Float[np.ndarray, "designs parameters"]) -> DesignTable:
        """Points as chip designs, each rated at the smallest TDP class that takes its power."""
        return rated(
            [self.design(dict(zip(self.names, row, strict=True))) for row in points.tolist()], baseline=self.baseline
        )

    def features(self, points: Float[np.ndarray, "designs parameters"]) -> Float[np.ndarray, "designs parameters"]:
        """Points as the learned model takes them: log2 over the baseline (generations as steps)."""
        base = np.array(list(self.values_of_baseline().values()))
        linear = np.array([name == "hbm_generation" for name in self.names])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(linear, points - base, np.log2(points / base))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        return tuple(p.name for p in self.parameters)

    def changes(self, point: Sequence[float]) -> dict[str, tuple[float, float]]:
        """Parameters in which a point differs from the baseline: before and after."""
        before = self.values_of_baseline()
        return {
            name: (before[name], value)
            for name, value in zip(self.names, point, strict=True)
            if not np.isclose(before[name], value)
        }

    def design(self, values: Mapping[str, float]) -> ChipDesign:
        """One point as a chip design, TDP still the baseline's; see `designs` for rated ones."""
        generation = _generation(self.baseline, int(values["hbm_generation"]))
        cores_ratio = values["cores_count"] / self.baseline.cores_count
        latency_ratio = values["latency_ratio"]
        named: dict[str, Any] = {n: v for n, v in values.items() if n not in {"hbm_generation", "latency_ratio"}}
        return replace(
            self.baseline,
            name=design_id(values),
            **named,
            l2_bytes_per_clk=self.baseline.l2_bytes_per_clk * cores_ratio,
            hbm_stack_bytes=generation.stack_bytes,
            hbm_stack_bytes_per_s=generation.stack_bytes_per_s,
            launch_latency_s=self.baseline.launch_latency_s * latency_ratio,
            collective_latency_s=self.baseline.collective_latency_s * latency_ratio,
        )


def space_around(baseline: ChipDesign) -> DesignSpace:
    """Eight parameters in the steps that an architecture team would ask for first."""
    generation = _read(baseline, "hbm_generation")
    newer = [float(g) for g in range(len(HBM_GENERATIONS)) if g > generation]
    sites = 6.0 if baseline.dies_count == 1.0 else 8.0 * np.ceil(baseline.dies_count / 2.0)
    stacks = {baseline.hbm_stacks_count, *[s for s in (4.0, 5.0, 6.0, 8.0) if s <= sites]}
    cores = _even(baseline.cores_count, (0.7, 0.85, 1.0, 1.15, 1.3))
    matrix = _times(baseline, "matrix_flop_per_clk", (0.5, 1.0, 2.0))
    clock = _times(baseline, "clock_hz", (0.8, 0.9, 1.0, 1.1))
    l2 = _times(baseline, "l2_bytes", (0.5, 1.0, 2.0, 3.0))
    link = _times(baseline, "link_bytes_per_s", (0.5, 1.0, 2.0))
    return DesignSpace(
        baseline=baseline,
        parameters=(
            _parameter("cores_count", "cores", "cores", 1.0, cores),
            _parameter("matrix_flop_per_clk", "matrix rate per core", "bf16 FLOP/clk", 1.0, matrix),
            _parameter("clock_hz", "clock", "GHz", 1e-9, clock),
            _parameter("l2_bytes", "L2 cache", "MB", 1.0 / 2**20, l2),
            _parameter("hbm_stacks_count", "HBM stacks", "stacks", 1.0, tuple(sorted(stacks))),
            _parameter("hbm_generation", "HBM generation", "", 1.0, (generation, *newer)),
            _parameter("link_bytes_per_s", "scale-up link", "GB/s", 1e-9, link),
            _parameter("latency_ratio", "launch and collective latency", "x baseline", 1.0, (1.0, 0.5)),
        ),
    )


def rated(designs: Sequence[ChipDesign], *, baseline: ChipDesign) -> DesignTable:
    """Designs rated as the baseline is: TDP at the smallest market class that takes their power in its proportion.

    The baseline's own TDP counts as a class, also where no other chip of the market has it.
    """
    table = DesignTable.of(designs)
    needed = tdp_needed_w(table, baseline=baseline)
    classed = tdp_class_w(replace(table, tdp_w=np.maximum(needed - 1e-6, 1.0)))
    classed = np.where(needed <= baseline.tdp_w + 1e-6, np.minimum(classed, baseline.tdp_w), classed)
    return replace(table, tdp_w=np.where(np.isfinite(classed), classed, needed))


def design_id(values: Mapping[str, float]) -> str:
    """A short readable id out of the parameter values."""
    parts = (f"{_INITIALS[name]}{value * _SHOWN[name]:.4g}" for name, value in values.items())
    return "-".join(parts)


_INITIALS = {
    "cores_count": "c",
    "matrix_flop_per_clk": "m",
    "clock_hz": "f",
    "l2_bytes": "s",
    "hbm_stacks_count": "h",
    "hbm_generation": "g",
    "link_bytes_per_s": "k",
    "latency_ratio": "t",
}
_SHOWN = dict.fromkeys(_INITIALS, 1.0) | {"clock_hz": 1e-9, "l2_bytes": 1 / 2**20, "link_bytes_per_s": 1e-9}


def hbm_name(baseline: ChipDesign, generation: float) -> str:
    """Name of a memory generation as the space numbers it; -1 is the baseline's own stack."""
    return "as baseline" if generation < 0 else _generation(baseline, int(generation)).name


def _generation(baseline: ChipDesign, number: int) -> HbmGeneration:
    if number < 0:
        return HbmGeneration(
            name="as baseline",
            stack_bytes=baseline.hbm_stack_bytes,
            stack_bytes_per_s=baseline.hbm_stack_bytes_per_s,
        )
    if number >= len(HBM_GENERATIONS):
        raise BadSpace(f"HBM generation {number} is not one of {len(HBM_GENERATIONS)}")
    return HBM_GENERATIONS[number]


def _parameter(name: str, label: str, unit: str, shown_per_si: float, levels: tuple[float, ...]) -> Parameter:
    return Parameter(name=name, label=label, unit=unit, shown_per_si=shown_per_si, levels=levels)


def _read(design: ChipDesign, name: str) -> float:
    if name == "latency_ratio":
        return 1.0
    if name == "hbm_generation":
        same = [
            number
            for number, g in enumerate(HBM_GENERATIONS)
            if np.isclose(g.stack_bytes, design.hbm_stack_bytes, rtol=0.02)
            and np.isclose(g.stack_bytes_per_s, design.hbm_stack_bytes_per_s, rtol=0.02)
        ]
        return float(same[0]) if same else -1.0
    return float(getattr(design, name))


def _times(design: ChipDesign, name: str, ratios: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(getattr(design, name) * ratio for ratio in ratios)


def _even(value: float, ratios: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(value if ratio == 1.0 else 2.0 * round(value * ratio / 2.0) for ratio in ratios)
