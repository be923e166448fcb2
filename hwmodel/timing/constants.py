"""The constants of the timing laws, each with its source and kind, in one place.

Calibrated (GEMM): a Nelder-Mead search on 4,000 measured bf16 shapes of A100 and of H100 each, then rounded by hand.
Calibrated (attention): the same on 2,500 decode and 2,500 prefill shapes of each. No other chip was looked at; the
measurements are NVIDIA's kernel tables, CUDA-graph rows, best stack per shape. The rest is marked where it stands.
"""

from dataclasses import dataclass, fields

import numpy as np

from hwmodel.timing.errors import BadConstants


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingConstants:
    """Efficiencies and latencies that hold for all chips; what differs between chips is in the design."""

    matrix_ratio: float = 0.99
    """Share of the peak matrix rate inside a large tile. Calibrated (GEMM) (0.95 was the search's upper end)."""
    operand_feed_elements: float = 1230.0
    """Tile area at which operands halve the matrix rate (c1 of chip-models section 4). Calibrated (GEMM)."""
    hbm_ratio: float = 0.81
    """Reachable share of the HBM pin rate. Calibrated (GEMM); hardware-lanes section 6 reads 0.81 to 0.84 on H100."""
    l2_ratio: float = 0.30
    """Reachable share of the L2 rate. Calibrated (GEMM)."""
    shared_load_count: float = 4.5
    """Tiles that share one load of an operand from L2 (clusters with multicast, L1 hits). Calibrated (GEMM)."""
    core_feed_bytes_per_clk: float = 106.0
    """Most that one core draws from L2 and HBM. Published: 64 B per clock and SM port on A100 and H100."""
    wave_clk: float = 3600.0
    """Clocks between two waves of tiles; the first wave is in the launch latency. Calibrated (GEMM)."""
    scale_work_ratio: float = 1.6
    """Vector work of scaling partial sums of block-scaled formats, over its count of operations."""
    scale_overlap_ratio: float = 0.4
    """How well that scaling hides behind matrix work, over how well traffic does: it uses the same registers."""
    rowwise_start_clk: float = 860.0
    """Clocks before the first row of a row-wise kernel, beyond the launch."""
    k_step_clk: float = 97.0
    """Least clocks of one reduction step of 64. Calibrated (GEMM)."""
    split_sync_clk: float = 3900.0
    """Clocks in which the partial sums of a split reduction meet. Calibrated (GEMM)."""
    most_overlap_exponent: float = 5.8
    """Overlap that kernels reach where the chip would allow more."""
    launch_clk: float = 4500.0
    """Clocks from one kernel to useful work in the next, in a captured graph, on a chip that nobody timed. So next."""
    launch_s: float = 0.22e-6
    matrix_clk_j: float = 1.4e-11
    """Energy of one clock of a matrix unit of 1 FLOP per clock at 1 V; times its width to the next. See `power`."""
    narrow_energy_ratio: float = 1.37
    """The same energy in formats of 8 bits and fewer, over bf16: they do more FLOP in a clock."""
    vector_flop_j: float = 1.0e-11
    """Energy of one FP32 FLOP of a product on vector lanes, operands and all, at 1 V in N4. See `power`."""
    vector_zero_v: float = 0.41
    """Voltage of vector lanes along the clock: 0.65 V at 0.9 GHz, 1.05 V at 2.4 GHz, as the physical model. So next."""
    vector_v_per_hz: float = 0.267e-9
    matrix_width_exponent: float = 0.65
    matrix_power_share: float = 0.85
    """Share of TDP that the cores may draw. Assumed: memory and leakage take the rest."""
    matrix_least_v: float = 0.75
    """Voltage up to 1.3 GHz. Assumed. So next."""
    matrix_v_per_hz: float = 0.2e-9
    clock_settle_s: float = 8.5e-5
    """Time of matrix work in which half of the clock's fall is reached."""
    l2_resident_ratio: float = 0.31
    """Share of L2 that data can live in from one kernel to the next. Calibrated (GEMM)."""
    l2_cold_ratio: float = 0.014
    """The same between runs of a collector, which lets other data pass in between."""
    attention_matrix_ratio: float = 0.92
    """Share of the peak matrix rate in attention tiles. Calibrated (attention)."""
    attention_overlap_ratio: float = 0.4
    """How much of softmax hides behind matrix work. Calibrated (attention)."""
    attention_start_clk: float = 7500.0
    """Clocks before the first tile of attention: page table, work list, queries. Calibrated (attention)."""
    attention_step_clk: float = 50.0
    """Least clocks of one step of 64 keys. Calibrated (attention)."""
    decode_item_clk: float = 3000.0
    """Clocks between two work items of decode attention on one core (short caches of many sequences). Calibrated
    (attention)."""
    attention_combine_clk: float = 5500.0
    """Clocks that combining the splits of a cache takes beside its traffic. Calibrated (attention)."""
    link_ring_ratio: float = 0.80
    """Reachable share of link bandwidth in a ring. Measured: 0.76 at 1 GiB over 8 A100."""
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
        "l2_cold_ratio",
        "matrix_power_share",
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
"""Host time per step that the chip waits for: scheduling, inputs, outputs, beside a replayed graph. Assumed; Vidur
measured 1.4 ms at batch 8 and 2.7 ms at batch 32 on A100 with an engine that did not overlap it with the step yet."""
