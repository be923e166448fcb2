"""Time of a collective: the fastest of direct exchanges, rings, and reduction inside the switch."""

from typing import Any

from numba import njit

from hwmodel.catalog.chip_design import FABRICS
from hwmodel.kernels.batch import MATH_DTYPES
from hwmodel.timing.chip import Chip
from hwmodel.timing.parts import COLLECTIVES, Kernel, Parts

ALL_REDUCE, ALL_GATHER, ALL_TO_ALL = (COLLECTIVES.index(name) for name in ("all_reduce", "all_gather", "all_to_all"))
HOST, TORUS, REDUCING = (FABRICS.index(name) for name in ("host", "torus", "reducing_switch"))
INT8 = MATH_DTYPES.index("int8")
SMALLEST_RANKS = 8.0
"""Ranks of the smallest all-reduce that `collective_latency_s` times."""


def collective_code(name: str) -> float:
    """Position in `COLLECTIVES` of what a kernel of this name does; that of an all-gather if it does not say."""
    said = [position for position, ending in enumerate(COLLECTIVES) if name.endswith(ending)]
    return float(said[0] if said else ALL_GATHER)


@njit(nogil=True)
def ideal_link_s(kernel: Kernel, chip: Chip, law: Any) -> float:
    """Least time on the links at full bandwidth.

    (ranks - 1) / ranks times the message, twice that for an all-reduce; a switch that adds up takes the message once.
    """
    if kernel.ranks_count <= 1.0:
        return 0.0
    rate = chip.link_bytes_per_s
    if kernel.ranks_count > chip.link_world_count:
        rate *= law.scale_out_ratio
    share = (kernel.ranks_count - 1.0) / kernel.ranks_count
    if kernel.collective_code == ALL_REDUCE:
        share = 1.0 if chip.fabric_code == REDUCING else 2.0 * share
    return float(share * kernel.link_bytes / rate)


@njit(nogil=True)
def collective_time(kernel: Kernel, chip: Chip, law: Any) -> Parts:
    """Alpha-beta forms of research/chip-models.md section 4, item 9, over ranks of one or several domains.

    Alpha is the chip's smallest all-reduce over eight ranks, its launch included. Through a host, peers take turns: an
    eighth of alpha each, and library transfers fall with the square of the ranks. On a torus of three dimensions what
    is sent directly takes 3/4 of the cube root of the ranks in hops.
    """
    alpha, rate, ranks = chip.collective_latency_s, chip.link_bytes_per_s, kernel.ranks_count
    if ranks > chip.link_world_count:
        alpha *= law.scale_out_latency_ratio
        rate *= law.scale_out_ratio
    message_s = kernel.link_bytes / rate
    near, staged = alpha, 1.0
    if chip.fabric_code == HOST:
        near, staged = alpha / SMALLEST_RANKS, max(0.5 * ranks, 1.0) ** law.host_fall_exponent
    hops = max(0.75 * ranks ** (1.0 / 3.0), 1.0) if chip.fabric_code == TORUS else 1.0
    share = max(ranks - 1.0, 0.0) / max(ranks, 1.0)
    base_s = max(law.library_latency_ratio * near, chip.launch_latency_s)
    if kernel.collective_code == ALL_TO_ALL:
        fixed_s = base_s + law.exchange_hop_ratio * near * ranks
        direct_s = share * message_s * hops * staged / law.link_exchange_ratio
        return _parts(fixed_s, direct_s)
    passes = 2.0 if kernel.collective_code == ALL_REDUCE else 1.0
    steps, wire_s = passes * (ranks - 1.0), passes * share * message_s
    fixed_s = base_s + law.hop_latency_ratio * near * steps
    best = _parts(fixed_s, wire_s * staged / law.link_eager_ratio)
    fixed_s = base_s + law.bulk_hop_ratio * near * steps
    best = _faster(best, fixed_s, wire_s * staged / law.link_ring_ratio)
    if kernel.collective_code != ALL_REDUCE:
        return best
    if chip.fabric_code == REDUCING:
        best = _faster(best, base_s + law.switch_latency_ratio * alpha, message_s / law.link_switch_ratio)
    if kernel.math_dtype_code == INT8:
        return best
    peers = ranks / SMALLEST_RANKS
    if chip.fabric_code != HOST:
        peers = 1.0 + law.peer_latency_ratio * (peers - 1.0)
    first_s = max(alpha * peers, chip.launch_latency_s)
    best = _faster(best, first_s, (ranks - 1.0) * message_s * hops / law.link_direct_ratio)
    second_s = first_s + law.phase_latency_ratio * near
    return _faster(best, second_s, wire_s * hops / law.link_direct_ratio)


@njit(nogil=True)
def _parts(fixed_s: float, link_s: float) -> Parts:
    return Parts(fixed_s + link_s, 0.0, 0.0, 0.0, 0.0, 0.0, link_s, fixed_s, 0.0)


@njit(nogil=True)
def _faster(best: Parts, fixed_s: float, link_s: float) -> Parts:
    """The better of what was found and another way."""
    return _parts(fixed_s, link_s) if fixed_s + link_s < best.latency_s else best
