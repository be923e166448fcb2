"""How far a ratio of two designs in the chip model may lie from the ratio in silicon."""

import numpy as np

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.distance import WEIGHTS, distance

LOG_PER_ROOT = 0.19
"""Half-width in log of a 90 % interval for a ratio of designs at distance 1; it grows with the root of the distance.
Calibrated: the widest of the speed-ups told with the later chip left out, H100 to H200 small products x1.12 at distance
0.36 (covers 92 %); H200 to B200 large products took 0.10 in bf16
and 0.14 in fp8, long prompts 0.12 (scoville bench design-change)."""
LINK_LOG_ERROR = 0.08
"""Half-width for a change of link rate. Assumed: no pair of chips that differ in it alone was measured."""
LATENCY_LOG_ERROR = 0.12
"""Half-width for a change of start and synchronisation latencies. Assumed, as above."""


def silicon_interval(baseline: ChipDesign, design: ChipDesign, ratio: float) -> tuple[float, float]:
    """90 % range of a ratio of two designs, the same factor up and down; errors of different kinds add in squares."""
    kernels = LOG_PER_ROOT * np.sqrt(distance(baseline, design)) if _differ(baseline, design, *WEIGHTS) else 0.0
    links = LINK_LOG_ERROR if _differ(baseline, design, "link_bytes_per_s") else 0.0
    latencies = LATENCY_LOG_ERROR if _differ(baseline, design, "launch_latency_s") else 0.0
    width = float(np.exp(np.sqrt(kernels**2 + links**2 + latencies**2)))
    return ratio / width, ratio * width


def _differ(one: ChipDesign, other: ChipDesign, *names: str) -> bool:
    return any(not np.isclose(getattr(one, name), getattr(other, name)) for name in names)
