"""Memory stacks: what a generation's stack holds and moves, and how a real stack is read in these terms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog import ChipDesign
from hwmodel.design.errors import BadSpace

GB = 1e9
TB = 1e12
DIES_PER_OWN_STACK = 8.0
"""Dies in a stack that is of no generation below (HBM2e: 8 of 2 GB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HbmGeneration:
    """What one stack of a memory generation holds and moves."""

    name: str
    stack_bytes: float
    """At the height that the generation is first sold in."""
    stack_bytes_per_s: float
    """At its first speed."""
    die_bytes: float
    """What each further die adds."""


HBM_GENERATIONS: tuple[HbmGeneration, ...] = (
    HbmGeneration(name="HBM3", stack_bytes=16 * GB, stack_bytes_per_s=0.67 * TB, die_bytes=2 * GB),
    HbmGeneration(name="HBM3E", stack_bytes=24 * GB, stack_bytes_per_s=1.0 * TB, die_bytes=3 * GB),
    HbmGeneration(name="HBM4", stack_bytes=36 * GB, stack_bytes_per_s=2.0 * TB, die_bytes=3 * GB),
)
"""Published: HBM3 and HBM3E as H100 and B200 run them, 8 dies high; HBM4 at the 8 Gb/s of JESD270-4, 12 dies high
(docs/sources.md: hbm4)."""


def hbm_name(baseline: ChipDesign, generation: float) -> str:
    """Name of a memory generation as the space numbers it; -1 is the baseline's own stack, told by what it holds.

    Raises:
        BadSpace: No such generation.
    """
    return _own_name(baseline) if generation < 0 else _known(baseline)[_row(generation)].name


def _own_name(baseline: ChipDesign) -> str:
    """Such as `HBM3 of 24 GB` for a taller stack of a generation, `16 GB at 0.51 TB/s` for one that is of none."""
    held, moved = baseline.hbm_stack_bytes, baseline.hbm_stack_bytes_per_s
    for g in HBM_GENERATIONS:
        dies = (held - g.stack_bytes) / g.die_bytes
        if np.isclose(moved, g.stack_bytes_per_s, rtol=0.02) and np.isclose(dies, round(dies), atol=0.1):
            return f"{g.name} of {held / GB:.3g} GB"
    return f"{held / GB:.3g} GB at {moved / TB:.2g} TB/s"


def stacks(
    baseline: ChipDesign,
    generation: Float[np.ndarray, "designs"],
    speed_ratio: Float[np.ndarray, "designs"],
    extra_dies: Float[np.ndarray, "designs"],
) -> tuple[Float[np.ndarray, "designs"], Float[np.ndarray, "designs"]]:
    """Bytes and bytes per second of one stack of each design.

    Raises:
        BadSpace: No such generation.
    """
    known = _known(baseline)
    rows: Int[np.ndarray, designs] = np.array([_row(g) for g in np.unique(generation)], dtype=np.int64)
    row = rows[np.unique(generation, return_inverse=True)[1].reshape(-1)]
    held, moved, die = (
        np.array([getattr(g, name) for g in known]) for name in ("stack_bytes", "stack_bytes_per_s", "die_bytes")
    )
    return held[row] + extra_dies * die[row], moved[row] * speed_ratio


def own_generation(design: ChipDesign) -> float:
    """The generation that a design's stack is at its first height and speed; -1 for any other stack."""
    for number, g in enumerate(HBM_GENERATIONS):
        pairs = ((g.stack_bytes, design.hbm_stack_bytes), (g.stack_bytes_per_s, design.hbm_stack_bytes_per_s))
        if all(np.isclose(one, other, rtol=0.02) for one, other in pairs):
            return float(number)
    return -1.0


def nearest_generation(baseline: ChipDesign, design: ChipDesign) -> float:
    """The generation whose stack a design's is most like, in ratios; -1 where the baseline's own is nearer."""
    first = -1 if own_generation(baseline) < 0 else 0
    known = _known(baseline)

    def apart(number: int) -> float:
        g = known[_row(number)]
        held, moved = design.hbm_stack_bytes / g.stack_bytes, design.hbm_stack_bytes_per_s / g.stack_bytes_per_s
        return float(abs(np.log(held)) + abs(np.log(moved)))

    return float(min(range(first, len(HBM_GENERATIONS)), key=apart))


def stack_of(baseline: ChipDesign, generation: float) -> HbmGeneration:
    """A generation by its number."""
    return _known(baseline)[_row(generation)]


def _known(baseline: ChipDesign) -> tuple[HbmGeneration, ...]:
    """The generations, and behind them the baseline's own stack."""
    own = HbmGeneration(
        name=_own_name(baseline),
        stack_bytes=baseline.hbm_stack_bytes,
        stack_bytes_per_s=baseline.hbm_stack_bytes_per_s,
        die_bytes=baseline.hbm_stack_bytes / DIES_PER_OWN_STACK,
    )
    return (*HBM_GENERATIONS, own)


def _row(generation: float) -> int:
    number = int(generation)
    if number >= len(HBM_GENERATIONS):
        raise BadSpace(f"HBM generation {number} is not one of {len(HBM_GENERATIONS)}")
    return number
