"""The constants of the timing laws, each with its source and kind, in one place.

Calibrated (GEMM), (attention), (MoE): `hwmodel.silicon.fit` on 400 shapes per format of A100, H100, H200, B200 and
L40S. Calibrated (collectives): a Powell search on 2,000 collectives of the same chips. The measurements are NVIDIA's
kernel tables, CUDA-graph rows, best stack per shape; values are rounded. The rest is marked where it stands.
"""

from dataclasses import dataclass, fields

import numpy as np

from hwmodel.timing.errors import BadConstants


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingConstants:
    """Efficiencies and latencies that hold for all chips; what differs between chips is in the design."""

    matrix_ratio: float = 0.99
    """Share of the peak matrix rate inside a large tile. Calibrated (GEMM)."""
    operand_feed_elements: float = 1230.0
    """Tile area at which operands halve the matrix rate (c1 of chip-models section 4). Calibrated (GEMM)."""
    hbm_ratio: float = 0.81
    """Reachable share of the HBM pin rate. Calibrated (GEMM); hardware-lanes section 6 reads 0.81 to 0.84 on H100."""
    l2_ratio: float = 0.30
    """Reachable share of the L2 rate. Calibrated (GEMM)."""
    shared_load_count: float = 4.0
    """Tiles that share one load of an operand from L2 (clusters with multicast, L1 hits). Calibrated (GEMM)."""
    core_feed_bytes_per_clk: float = 106.0
    """Most that one core draws from L2 and HBM in row-wise kernels and on vector lanes. Calibrated (GEMM): above the
    64 B per clock and SM port that are published, for neighbours share loads."""
    core_refill_clk: float = 3600.0
    """Clocks in which a core that streams operands of matrix units refills its SRAM. Calibrated (GEMM)."""
    wave_clk: float = 3900.0
    """Clocks between two waves of tiles; the first wave is in the launch latency. Calibrated (GEMM)."""
    whole_wave_ratio: float = 0.28
    """How far tiles of a product come in whole waves on an asynchronous chip; at 0 they fill all cores evenly.
    Calibrated (GEMM)."""
    scale_work_ratio: float = 1.25
    """Vector work of scaling partial sums of block-scaled formats, over its count of operations. Calibrated (GEMM)."""
    scale_overlap_ratio: float = 0.33
    """How well that scaling hides behind matrix work, over how well traffic does: it uses the same registers.
    Calibrated (GEMM)."""
    rowwise_start_clk: float = 1000.0
    """Clocks before the first row of a row-wise kernel, beyond the launch. Calibrated (GEMM)."""
    k_step_clk: float = 93.0
    """Least clocks of one reduction step of 64. Calibrated (GEMM)."""
    split_sync_clk: float = 3700.0
    """Clocks in which the partial sums of a split reduction meet. Calibrated (GEMM)."""
    most_overlap_exponent: float = 5.8
    """Overlap that kernels reach where the chip would allow more. Calibrated (GEMM)."""
    launch_clk: float = 4500.0
    """Clocks from one kernel to useful work in the next, in a captured graph, on a chip that nobody timed.
    Calibrated (GEMM)."""
    launch_s: float = 0.22e-6
    """Time of the same that does not follow the clock. Calibrated (GEMM)."""
    matrix_clk_j: float = 1.4e-11
    """Energy of one clock of a matrix unit of 1 FLOP per clock at 1 V; times its width to the next. Calibrated
    (GEMM), by times alone. See `power`."""
    narrow_energy_ratio: float = 1.37
    """The same energy in formats of 8 bits and fewer, over bf16: they do more FLOP in a clock. Calibrated (GEMM)."""
    vector_flop_j: float = 1.0e-11
    """Energy of one FP32 FLOP of a product on vector lanes, operands and all, at 1 V in N4. Calibrated (FP32
    products of five older GPUs). See `power`."""
    vector_zero_v: float = 0.41
    """Voltage of vector lanes along the clock: 0.65 V at 0.9 GHz, 1.05 V at 2.4 GHz, as the physical model. Assumed."""
    vector_v_per_hz: float = 0.267e-9
    """Slope of the same. Assumed."""
    matrix_width_exponent: float = 0.65
    """How the energy of a clock grows with the width of a matrix unit: wider ones reuse operands. Assumed."""
    matrix_power_share: float = 0.85
    """Share of TDP that the cores may draw. Assumed: memory and leakage take the rest."""
    matrix_least_v: float = 0.75
    """Voltage of matrix units up to 1.3 GHz. Assumed."""
    matrix_v_per_hz: float = 0.2e-9
    """Slope of that voltage beyond. Assumed."""
    clock_settle_s: float = 8.5e-5
    """Time of matrix work in which half of the clock's fall is reached. Calibrated (GEMM)."""
    l2_resident_ratio: float = 0.6
    """Share of L2 that data can live in from one kernel to the next. Calibrated (GEMM)."""
    l2_cold_ratio: float = 0.014
    """The same between runs of a collector, which lets other data pass in between. Calibrated (GEMM)."""
    grouped_hbm_ratio: float = 0.92
    """Reachable share of the HBM pin rate in grouped products. Calibrated (MoE)."""
    grouped_shared_load_count: float = 9.0
    """Tiles of a grouped product that share one load of an operand from L2. Calibrated (MoE)."""
    grouped_wave_clk: float = 1850.0
    """Clocks before the first step of each of its tiles. Calibrated (MoE)."""
    grouped_start_clk: float = 10000.0
    """Clocks before its first tile, beyond the launch: sorting, offsets of groups, descriptors. Calibrated (MoE)."""
    grouped_k_step_clk: float = 20.0
    """Least clocks of one of its reduction steps of 64. Assumed: any value below 50 fits the same."""
    grouped_overlap_exponent: float = 1.6
    """Overlap that grouped products reach where the chip would allow more: parts nearly add up. Calibrated (MoE)."""
    grouped_widen_flop: float = 5.3
    """Vector work per weight that is stored narrower than it is multiplied and widened on chip. Calibrated (MoE)."""
    attention_matrix_ratio: float = 0.976
    """Share of the peak matrix rate in attention tiles. Calibrated (attention)."""
    attention_feed_rows: float = 3.0
    """Query rows whose work a tile costs beyond its own. Calibrated (attention)."""
    attention_overlap_ratio: float = 0.945
    """How much of the softmax hides behind matrix work on an asynchronous chip. Calibrated (attention)."""
    attention_overlap_exponent: float = 2.6
    """Overlap of core, L2 and HBM that prompt kernels reach where the chip would allow more. Calibrated (attention)."""
    attention_start_clk: float = 4200.0
    """Clocks before the first tile of a prompt: page table, work list, queries. Calibrated (attention)."""
    attention_item_clk: float = 3500.0
    """Clocks between two tiles of queries on one core. Calibrated (attention)."""
    attention_row_clk: float = 27.0
    """Clocks more for each row of such a tile. Calibrated (attention)."""
    attention_energy_ratio: float = 1.38
    """Energy of a matrix clock in attention over that in a product: softmax runs beside it. Calibrated (attention)."""
    attention_step_clk: float = 30.0
    """Clocks that one step of 64 keys takes beside its work. Calibrated (attention)."""
    attention_chain_clk: float = 580.0
    """Clocks that a step waits for its predecessor, alone on its core. Calibrated (attention)."""
    attention_edge_keys: float = 120.0
    """Keys that a tile of queries visits in vain before its window. Calibrated (attention)."""
    attention_wave_ratio: float = 0.3
    """How far tiles of queries come in whole waves; at 0 they fill all cores evenly. Calibrated (attention)."""
    attention_hbm_ratio: float = 0.83
    """Reachable share of the HBM pin rate while a prompt is read and written. Calibrated (attention)."""
    attention_l2_ratio: float = 0.7
    """Reachable share of the L2 rate in attention. Calibrated (attention)."""
    attention_resident_ratio: float = 0.48
    """Share of L2 in which a cache that is read over and over stays. Calibrated (attention)."""
    attention_activation_ratio: float = 0.24
    """Share of L2 in which queries, keys and values of a prompt stay. Calibrated (attention)."""
    decode_hbm_ratio: float = 0.85
    """Reachable share of the HBM pin rate while a cache is read. Calibrated (attention)."""
    decode_overlap_exponent: float = 3.0
    """Overlap of core, L2 and HBM that decode kernels reach where the chip would allow more. Calibrated (attention)."""
    decode_start_clk: float = 2400.0
    """Clocks before the first step of decoding: page table, work list. Calibrated (attention)."""
    decode_feed_bytes_per_clk: float = 80.0
    """Most cache that one core takes in. Calibrated (attention); 64 B per clock and SM
    port are published."""
    decode_item_clk: float = 2600.0
    """Clocks between two work items of decoding on a core that has others to do. Calibrated (attention)."""
    decode_row_clk: float = 80.0
    """Clocks per query head of a work item beside its steps. Calibrated (attention)."""
    decode_chain_clk: float = 2600.0
    """Clocks of a work item of decoding beside its steps, alone on its core. Calibrated (attention)."""
    decode_step_clk: float = 380.0
    """Clocks that a step of 64 keys waits for its predecessor, alone on its core. Calibrated (attention)."""
    attention_combine_clk: float = 6500.0
    """Clocks that combining the splits of a cache takes beside its traffic. Calibrated (attention)."""
    collective_clk: float = 6400.0
    """Clocks of the smallest all-reduce, launch included, on a chip that nobody timed; eight times as many through a
    host, where peers take turns. Measured: mean of five chips (collectives)."""
    link_direct_ratio: float = 0.645
    """Reachable share of link bandwidth in one- and two-shot kernels. Calibrated (collectives)."""
    link_ring_ratio: float = 0.61
    """The same in a library's ring of bulk transfers. Calibrated (collectives)."""
    link_eager_ratio: float = 0.333
    """The same in a library's low-latency ring, where a flag travels with every word. Calibrated (collectives)."""
    link_switch_ratio: float = 0.5
    """The same where the switch adds up. The message crosses each link once. Calibrated (collectives)."""
    link_exchange_ratio: float = 0.54
    """The same in an all-to-all. Calibrated (collectives)."""
    phase_latency_ratio: float = 1.29
    """Latency that a second direct exchange adds, over that of the smallest all-reduce. So all latency ratios
    here. Calibrated (collectives)."""
    peer_latency_ratio: float = 0.143
    """Part of a direct exchange's latency that grows with its ranks. Calibrated (collectives)."""
    library_latency_ratio: float = 1.91
    """Latency of a communication library's kernel before its first step. Calibrated (collectives)."""
    hop_latency_ratio: float = 0.243
    """Latency of one step of the low-latency ring. Calibrated (collectives)."""
    bulk_hop_ratio: float = 1.72
    """Latency of one step of the bulk ring, which synchronises on whole slices. Calibrated (collectives)."""
    exchange_hop_ratio: float = 0.208
    """Latency of one more rank in an all-to-all. Calibrated (collectives)."""
    switch_latency_ratio: float = 7.5
    """Latency of a reduction in the switch: its groups synchronise before and after. Calibrated (collectives)."""
    host_fall_exponent: float = 1.97
    """How the rate of a library falls with the ranks where PCIe and host memory join them. Calibrated (collectives)."""
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
        "grouped_hbm_ratio",
        "whole_wave_ratio",
        "l2_resident_ratio",
        "l2_cold_ratio",
        "matrix_power_share",
        "attention_matrix_ratio",
        "attention_overlap_ratio",
        "attention_wave_ratio",
        "attention_hbm_ratio",
        "attention_l2_ratio",
        "attention_resident_ratio",
        "attention_activation_ratio",
        "decode_hbm_ratio",
        "link_ring_ratio",
        "link_direct_ratio",
        "link_eager_ratio",
        "link_switch_ratio",
        "link_exchange_ratio",
        "peer_latency_ratio",
        "scale_out_ratio",
    }
)

FIRST_CONSTANTS = TimingConstants()
"""Values before any fit."""

HOST_STEP_S = 1.0e-4
"""Host time per step that the chip waits for. Engines of 2026 prepare a step while the chip works on the one before, so
little is left of what an engine without shows (1.4 to 2.7 ms: vidur2024). Calibrated: of 0 to 1 ms 0.1 ms is nearest to
1,584 measured runs of such engines (median error of the time per token 11.2 %, 13.0 % at 1 ms; of vLLM alone 7.4 and
16.2 %)."""
