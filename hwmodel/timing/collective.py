"""Time of a collective: the fastest of the one-shot, two-shot and ring algorithms."""

from typing import Any

from numba import njit

from hwmodel.timing.chip import Chip
from hwmodel.timing.parts import Kernel, Parts


@njit(nogil=True)
def ideal_link_s(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Least time on the links: passes (ranks - 1) / ranks times the message at full bandwidth.

    Reduction inside the switch (NVLink SHARP) would need less; the model does not build it.
    """
    if kernel.ranks_count <= 1.0:
        return 0.0
    rate = chip.link_bytes_per_s
    if kernel.ranks_count > chip.link_world_count:
        rate *= law.scale_out_ratio
    return float(kernel.passes_count * (kernel.ranks_count - 1.0) / kernel.ranks_count * kernel.link_bytes / rate)


@njit(nogil=True)
def collective_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Alpha-beta forms of research/chip-models.md section 4, item 9; alpha contains the launch.

    One shot: every rank sends all it has to all others. Two shots: reduce-scatter, then all-gather, directly between
    ranks. Ring: the same volume at the better bandwidth of long transfers, but a hop for every rank.
    """
    alpha = chip.collective_latency_s
    if kernel.ranks_count > chip.link_world_count:
        alpha *= law.scale_out_latency_ratio
    first_s = max(alpha, chip.launch_latency_s)
    ideal_s = ideal_link_s(kernel, chip, law)
    others = kernel.ranks_count - 1.0
    direct_s = ideal_s / law.link_direct_ratio
    if kernel.passes_count == 1.0:
        return Parts(first_s + direct_s, 0.0, 0.0, 0.0, 0.0, 0.0, direct_s, first_s, 0.0)
    one_shot_s = direct_s * kernel.ranks_count / kernel.passes_count
    best = Parts(first_s + one_shot_s, 0.0, 0.0, 0.0, 0.0, 0.0, one_shot_s, first_s, 0.0)
    fixed_s = first_s + law.phase_latency_ratio * alpha
    if fixed_s + direct_s < best.latency_s:
        best = Parts(fixed_s + direct_s, 0.0, 0.0, 0.0, 0.0, 0.0, direct_s, fixed_s, 0.0)
    fixed_s = first_s + law.hop_latency_ratio * alpha * (2.0 * others - 1.0)
    ring_s = ideal_s / law.link_ring_ratio
    if fixed_s + ring_s < best.latency_s:
        best = Parts(fixed_s + ring_s, 0.0, 0.0, 0.0, 0.0, 0.0, ring_s, fixed_s, 0.0)
    return best
