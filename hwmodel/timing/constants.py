"""The constants of the timing laws, each with its source and kind, in one place.

None of these was fitted by a procedure here. Kind `calibrated` means: the first value of the notes was moved by hand
or by a coarse search on measured A100 and H100 kernels, to the round number given; no other chip was looked at.
"""

from dataclasses import dataclass, fields

import numpy as np

from hwmodel.timing.errors import BadConstants


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingConstants:
    """Efficiencies and latencies that hold for all chips; what differs between chips is in the design."""

    matrix_ratio: float = 0.95
    """Share of the peak matrix rate inside a large tile. Calibrated on A100 and H100 bf16 GEMM, m >= 2048."""
    operand_feed_elements: float = 2048.0
    """Tile area at which operands arrive at half the rate of the matrix unit. Assumed: chip-models section 4, c1."""
    hbm_ratio: float = 0.82
    """Reachable share of the HBM pin rate. Published: 0.84 on H100 weights above 128 M elements, hardware-lanes 6."""
    l2_ratio: float = 0.85
    """Reachable share of the L2 rate. Assumed: middle of the bounds 0.4 to 0.95 of chip-models section 4."""
    shared_load_count: float = 3.0
    """Tiles that share one load of an operand from L2 (clusters with multicast, L1 hits). Assumed."""
    core_feed_bytes_per_clk: float = 64.0
    """Most that one core can draw from L2 and HBM. Assumed: a quarter of the cores saturate HBM on A100 and H100
    (chip-models section 4, factor 4 G/C), which is just under the 64 B port of an SM."""
    wave_clk: float = 300.0
    """Prologue and epilogue of one wave of tiles. Assumed: 0.5 us at 1.7 GHz, chip-models section 4."""
    k_step_clk: float = 55.0
    """Least clocks of one reduction step of 64. Assumed."""
    split_sync_clk: float = 3500.0
    """Meeting of the partial sums of a split reduction. Assumed."""
    l2_resident_ratio: float = 0.35
    """Share of L2 that data can live in undisturbed. Assumed."""
    attention_matrix_ratio: float = 0.92
    """Share of the peak matrix rate in attention tiles. Assumed from FlashAttention-3: 740 of 989 TFLOP/s."""
    attention_overlap_ratio: float = 0.4
    """How much of softmax hides behind matrix work. Assumed: chip-models section 4 item 7."""
    attention_start_clk: float = 8000.0
    """Clocks before the first tile of attention: page table, work list, queries. Assumed."""
    attention_step_clk: float = 50.0
    """Least clocks of one step of 64 keys: load, multiply, softmax, multiply in turn. Assumed."""
    attention_combine_clk: float = 5500.0
    """Clocks that combining the splits of a cache takes beside its traffic. Assumed."""
    link_ring_ratio: float = 0.80
    """Reachable share of link bandwidth in a ring. Calibrated: A100 all-reduce of 1 GiB reaches 0.76."""
    link_direct_ratio: float = 0.70
    """Reachable share of link bandwidth in one- and two-shot kernels. Assumed."""
    hop_latency_ratio: float = 0.35
    """Latency of one ring hop over that of the smallest all-reduce. Assumed."""
    phase_latency_ratio: float = 0.60
    """Latency that a second exchange adds, over that of the smallest all-reduce. Assumed."""
    scale_out_ratio: float = 0.11
    """Bandwidth beyond the scale-up domain over that inside it. Assumed: 400 Gb/s network card per H100 of 450 GB/s."""
    scale_out_latency_ratio: float = 3.0
    """Latency beyond the scale-up domain over that inside it. Assumed."""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            at_most = 1.0 if name in AT_MOST_ONE else np.inf
            if not (np.isfinite(value) and 0.0 < value <= at_most):
                raise BadConstants(f"timing constant {name} is {value}; it must be above 0 and at most {at_most}")


AT_MOST_ONE = frozenset(
    {
        "matrix_ratio",
        "hbm_ratio",
        "l2_ratio",
        "l2_resident_ratio",
        "attention_matrix_ratio",
        "attention_overlap_ratio",
        "link_ring_ratio",
        "link_direct_ratio",
        "hop_latency_ratio",
        "phase_latency_ratio",
        "scale_out_ratio",
    }
)

FIRST_CONSTANTS = TimingConstants()
"""Values before any fit."""

HOST_STEP_S = 1.0e-3
"""Host time per step that the GPU waits for. Assumed."""
