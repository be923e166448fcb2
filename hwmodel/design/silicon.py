"""How far a ratio of two designs in the chip model may lie from the ratio in silicon."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.distance import WEIGHTS, distance

LOG_PER_ROOT = 0.28
"""Half-width in log of a 90 % interval for a ratio of designs at distance 1; it grows with the root of the distance.
Calibrated: the widest of six speed-ups told with the later chip left out (scoville bench design-change), H100 to H200,
decoding over 4 to 128 MiB of cache, x1.18 at distance 0.36, which covers 95 %. The others took 0.10 to 0.19; that of
longer caches, 0.16, covered 67 % only. One kernel's error, so on the safe side for a whole workload."""
LINK_LOG_ERROR = 0.08
"""Half-width for a change of link rate. Assumed: no pair of chips that differ in it alone was measured."""
LATENCY_LOG_ERROR = 0.12
"""Half-width for a change of start and synchronisation latencies. Assumed, as above."""

CORE_LOG_ERROR = 0.10
"""Half-width for what no pair of measured chips changes alone: vector, exponent and fp8 rates, L1, rate of the L2,
overlap. Assumed, so the next: larger than for links since more kernels read it."""
CAPACITY_LOG_ERROR = 0.05
"""For memory that only holds more: the replay's caches stand in for those of a real engine."""
PACKAGE_LOG_ERROR = 0.10
"""For another number of dies or process: crossing between dies costs no time in the model, a process no clock."""
FABRIC_LOG_ERROR = 0.12
"""For another scale-up topology."""
OTHER_ERRORS: Mapping[tuple[str, ...], float] = MappingProxyType(
    {
        ("link_bytes_per_s",): LINK_LOG_ERROR,
        ("launch_latency_s", "collective_latency_s"): LATENCY_LOG_ERROR,
        ("vector_flop_per_clk", "exponent_per_clk", "smem_bytes"): CORE_LOG_ERROR,
        ("fp8_rate_ratio", "fp4_rate_ratio", "overlap_exponent"): CORE_LOG_ERROR,
        ("hbm_bytes",): CAPACITY_LOG_ERROR,
        ("dies_count", "node"): PACKAGE_LOG_ERROR,
        ("fabric",): FABRIC_LOG_ERROR,
    }
)
"""Half-width of each kind of change that is no part of the distance between chips; a kind counts once."""


def silicon_interval(baseline: ChipDesign, design: ChipDesign, ratio: float) -> tuple[float, float]:
    """90 % range of a ratio of two designs, the same factor up and down; errors of different kinds add in squares."""
    kernels = LOG_PER_ROOT * np.sqrt(distance(baseline, design)) if _differ(baseline, design, *WEIGHTS) else 0.0
    others = [error for names, error in OTHER_ERRORS.items() if _differ(baseline, design, *names)]
    if not np.isclose(_l2_rate_per_core(baseline), _l2_rate_per_core(design)):
        others.append(CORE_LOG_ERROR)
    width = float(np.exp(np.sqrt(kernels**2 + np.sum(np.square(others)))))
    return ratio / width, ratio * width


def _l2_rate_per_core(design: ChipDesign) -> float:
    """Cores bring their share of the L2's rate; only a change of the share is a change of its own."""
    return design.l2_bytes_per_clk / design.cores_count


def _differ(one: ChipDesign, other: ChipDesign, *names: str) -> bool:
    return any(_is_other(getattr(one, name), getattr(other, name)) for name in names)


def _is_other(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one != other
    return not np.isclose(one, other, atol=0.0)
