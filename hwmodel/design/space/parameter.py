"""The parameters that a recommendation may change: their words, their legal steps around a baseline."""

from collections.abc import Callable
from dataclasses import dataclass

from hwmodel.catalog import FABRICS, ChipDesign
from hwmodel.design.errors import BadSpace
from hwmodel.design.space.memory import HBM_GENERATIONS, own_generation

NODES: tuple[str, ...] = ("N7", "N5", "N4", "N3", "N2")
"""Logic processes, the finer the later: the parameter `node` is a position here."""
STEPS = frozenset({"hbm_generation", "hbm_extra_dies_count", "node", "fabric", "fp8_rate_ratio", "fp4_rate_ratio"})
"""Parameters that are counted, not scaled: a learner sees their difference, not their ratio."""
ASYNCHRONOUS = 8.7
"""Overlap exponent of H100 in the catalogue."""
TILING_LIMIT_BYTES = 512 * 2.0**10
"""Most L1 of a core (chip-models section 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the chip: its name, how a screen shows it, and the values it may take."""

    name: str
    label: str
    unit: str
    shown_per_si: float
    levels: tuple[float, ...]
    is_quality_risk: bool = False
    """Whether using it may change what the LLM answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is said of a parameter wherever it stands."""

    label: str
    unit: str
    initial: str
    """In design ids."""
    levels: Callable[[ChipDesign], tuple[float, ...]]
    shown_per_si: float = 1.0
    is_quality_risk: bool = False


def _times(name: str, *ratios: float) -> Callable[[ChipDesign], tuple[float, ...]]:
    return lambda design: tuple(getattr(design, name) * ratio for ratio in ratios)


def _always(*levels: float) -> Callable[[ChipDesign], tuple[float, ...]]:
    return lambda _: levels


def _cores(design: ChipDesign) -> tuple[float, ...]:
    """Even numbers: cores come in pairs."""
    own = design.cores_count
    return tuple(own if r == 1.0 else 2.0 * round(own * r / 2.0) for r in (0.7, 0.85, 1.0, 1.15, 1.3))


def _smem(design: ChipDesign) -> tuple[float, ...]:
    wanted = (design.smem_bytes * ratio for ratio in (0.75, 1.0, 1.5, 2.0))
    return tuple(level for level in wanted if level <= max(TILING_LIMIT_BYTES, design.smem_bytes))


def _stacks(design: ChipDesign) -> tuple[float, ...]:
    return tuple(sorted({design.hbm_stacks_count, 4.0, 5.0, 6.0, 8.0}))


def _generations(design: ChipDesign) -> tuple[float, ...]:
    own = own_generation(design)
    return (own, *(float(g) for g in range(len(HBM_GENERATIONS)) if g > own))


def _dies(design: ChipDesign) -> tuple[float, ...]:
    return (1.0, 2.0) if design.dies_count == 1.0 else (design.dies_count,)


def _nodes(design: ChipDesign) -> tuple[float, ...]:
    own = node_number(design.node)
    return tuple(float(n) for n in range(int(own), min(int(own) + 3, len(NODES))))


def _fabrics(design: ChipDesign) -> tuple[float, ...]:
    """The baseline's own, and links to neighbours without a switch; a switch that adds up has no price of its own."""
    return tuple(dict.fromkeys((float(FABRICS.index(design.fabric)), float(FABRICS.index("torus")))))


def _overlaps(design: ChipDesign) -> tuple[float, ...]:
    """Units that feed themselves, where the baseline's wait for threads."""
    return tuple(sorted({design.overlap_exponent, max(design.overlap_exponent, ASYNCHRONOUS)}))


def _narrow(name: str, first: float) -> Callable[[ChipDesign], tuple[float, ...]]:
    """Twice the baseline's rate of a narrow format, or a first one."""
    return lambda design: (getattr(design, name), 2.0 * getattr(design, name) or first)


KINDS: dict[str, Kind] = {
    "cores_count": Kind(label="cores", unit="cores", initial="c", levels=_cores),
    "matrix_flop_per_clk": Kind(
        label="matrix rate per core",
        unit="bf16 FLOP/clk",
        initial="m",
        levels=_times("matrix_flop_per_clk", 0.5, 1.0, 2.0),
    ),
    "fp8_rate_ratio": Kind(label="fp8 rate", unit="x bf16 rate", initial="p", levels=_narrow("fp8_rate_ratio", 2.0)),
    "vector_flop_per_clk": Kind(
        label="vector rate per core", unit="FLOP/clk", initial="v", levels=_times("vector_flop_per_clk", 0.5, 1.0, 2.0)
    ),
    "exponent_per_clk": Kind(
        label="exponent rate per core", unit="exp/clk", initial="e", levels=_times("exponent_per_clk", 1.0, 2.0, 4.0)
    ),
    "smem_bytes": Kind(label="L1 per core", unit="KB", initial="r", shown_per_si=1 / 2**10, levels=_smem),
    "clock_hz": Kind(
        label="clock",
        unit="GHz",
        initial="f",
        shown_per_si=1e-9,
        levels=_times("clock_hz", 0.8, 0.9, 1.0, 1.1),
    ),
    "l2_bytes": Kind(
        label="L2 cache",
        unit="MB",
        initial="s",
        shown_per_si=1 / 2**20,
        levels=_times("l2_bytes", 0.5, 1.0, 2.0, 3.0),
    ),
    "l2_rate_ratio": Kind(label="L2 rate per core", unit="x baseline", initial="w", levels=_always(1.0, 1.5, 2.0)),
    "hbm_stacks_count": Kind(label="HBM stacks", unit="stacks", initial="h", levels=_stacks),
    "hbm_generation": Kind(label="HBM generation", unit="", initial="g", levels=_generations),
    "hbm_speed_ratio": Kind(label="HBM speed", unit="x first of generation", initial="b", levels=_always(1.0, 1.2)),
    "hbm_extra_dies_count": Kind(label="HBM height", unit="dies more per stack", initial="d", levels=_always(0.0, 4.0)),
    "link_bytes_per_s": Kind(
        label="scale-up link",
        unit="GB/s",
        initial="k",
        shown_per_si=1e-9,
        levels=_times("link_bytes_per_s", 0.5, 1.0, 1.5, 2.0),
    ),
    "fabric": Kind(label="scale-up topology", unit="", initial="x", levels=_fabrics),
    "launch_latency_s": Kind(
        label="launch latency",
        unit="us",
        initial="t",
        shown_per_si=1e6,
        levels=_times("launch_latency_s", 0.5, 0.75, 1.0),
    ),
    "collective_latency_s": Kind(
        label="collective latency",
        unit="us",
        initial="a",
        shown_per_si=1e6,
        levels=_times("collective_latency_s", 0.5, 0.75, 1.0),
    ),
    "dies_count": Kind(label="compute dies", unit="dies", initial="y", levels=_dies),
    "node": Kind(label="logic process", unit="", initial="n", levels=_nodes),
    "overlap_exponent": Kind(
        label="overlap of loads and products",
        unit="exponent",
        initial="o",
        levels=_overlaps,
    ),
    "fp4_rate_ratio": Kind(
        label="fp4 rate", unit="x bf16 rate", initial="q", levels=_narrow("fp4_rate_ratio", 4.0), is_quality_risk=True
    ),
}
"""Every parameter that the chip model answers to, in display order."""


def parameters_around(baseline: ChipDesign, *, with_quality_risk: bool) -> tuple[Parameter, ...]:
    """Parameters with more than one level around a baseline."""
    found = []
    for name, kind in KINDS.items():
        levels = kind.levels(baseline)
        if len(levels) > 1 and (with_quality_risk or not kind.is_quality_risk):
            found.append(
                Parameter(
                    name=name,
                    label=kind.label,
                    unit=kind.unit,
                    shown_per_si=kind.shown_per_si,
                    levels=levels,
                    is_quality_risk=kind.is_quality_risk,
                )
            )
    return tuple(found)


def node_number(node: str) -> float:
    """Position of a logic process in `NODES`.

    Raises:
        BadSpace: A process that no design may be drawn in.
    """
    if node not in NODES:
        raise BadSpace(f"{node} is not a process of the design space; known: {', '.join(NODES)}")
    return float(NODES.index(node))
