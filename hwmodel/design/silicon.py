"""How far a ratio of two chips in the chip model may lie from the ratio in silicon, before it is calibrated."""

from collections.abc import Collection

import numpy as np

LOG_ERROR_90: dict[str, float] = {
    "hbm_stacks_count": 0.10,
    "hbm_generation": 0.10,
    "clock_hz": 0.08,
    "cores_count": 0.10,
    "matrix_flop_per_clk": 0.15,
    "l2_bytes": 0.05,
    "link_bytes_per_s": 0.08,
    "latency_ratio": 0.12,
}
"""Half-width in log of a 90 % interval for a change of one parameter. Assumed, from the errors of predicted speed-ups
with the target chip left out: memory alone (H100 to H200) 6 to 11 %, matrix rate and memory (H200 to B200) 7 to 13 %
(docs/sources.md: kernel_bars)."""


def silicon_interval(changed: Collection[str], ratio: float) -> tuple[float, float]:
    """90 % range of a ratio of two designs; errors of several changes add in squares."""
    width = float(np.exp(np.sqrt(sum(LOG_ERROR_90[name] ** 2 for name in changed))))
    return ratio / width, ratio * width
