"""Constants of die area, shoreline and package: transistor counts, densities, macro sizes, geometric limits."""

from hwmodel.physical.constant import Constant, constant

MM2 = 1e-6
MM = 1e-3
MIB = 2.0**20

DENSITY_PER_M2: dict[str, Constant] = {
    "N7": constant(
        (60.0, 65.0, 96.0), "1/m2", "die-shots", "published", "GA100: 54.2 G transistors on 826 mm2", si_factor=1e12
    ),
    "N5": constant((86.0, 92.0, 114.0), "1/m2", "die-shots", "assumed", "N4 over 1.06", si_factor=1e12),
    "N4": constant((90.0, 98.0, 138.0), "1/m2", "die-shots", "published", "GH100: 80 G on 814 mm2", si_factor=1e12),
    "N3": constant((130.0, 143.0, 155.0), "1/m2", "foundry-recalled", "assumed", "N5 x 1.55", si_factor=1e12),
    "N2": constant((145.0, 161.0, 175.0), "1/m2", "foundry-recalled", "assumed", "N5 x 1.75", si_factor=1e12),
}
"""Transistors per area as whole GPUs reach it, not the peak of a standard cell."""

SRAM_SHRINK_RATIO: dict[str, Constant] = {
    "N7": constant((1.2, 1.29, 1.4), "1", "iedm2022", "published", "bitcell 0.027 over 0.021 um2"),
    "N5": constant((1.0, 1.0, 1.0), "1", "iedm2022", "published", "0.021 um2"),
    "N4": constant((1.0, 1.0, 1.0), "1", "iedm2022", "published", "as N5"),
    "N3": constant((0.95, 1.0, 1.0), "1", "iedm2022", "published", "N3E cell equals N5; SRAM does not shrink"),
    "N2": constant((0.80, 0.83, 0.9), "1", "foundry-recalled", "assumed", "0.0175 um2"),
}
"""SRAM area per byte relative to N4."""

SMEM_M2_PER_BYTE = constant(
    (0.7, 1.0, 1.74), "m2/byte", "llmcompassplus", "published", "Thor at 4 nm: 0.77 mm2 for 768 KB", si_factor=MM2 / MIB
)
L2_M2_PER_BYTE = constant(
    (0.7, 0.85, 1.0), "m2/byte", "llmcompassplus", "published", "Thor L2 0.71; range of the notes", si_factor=MM2 / MIB
)

FPU64_TRANSISTORS = constant((6.0e5, 6.853e5, 7.5e5), "1", "llmcompass", "published", "a 52-bit-mantissa multiply-add")
FPU64_MANTISSA = 52.0
MANTISSA: dict[str, float] = {"bf16": 10.0, "fp8": 3.0, "fp4": 1.0, "int8": 0.0}
"""Bits that set a multiplier's size (it grows with their square); the bf16 unit also does fp16. int8 shares it."""
NARROW_TRANSISTORS = constant((1e3, 2e3, 4e3), "1", "own", "assumed", "alignment and accumulation of one narrow MAC")
VECTOR_TRANSISTORS = constant(
    (1.6e5, 3.0e5, 3.3e5), "1", "llmcompass", "published", "per fp32 FLOP/clk: fp32, int32 and fp64 lanes of an SM"
)
EXPONENT_TRANSISTORS = constant((1e5, 3e5, 6e5), "1", "own", "assumed", "per exponential and clock")
CONTROL_TRANSISTORS = constant(
    (1.2e8, 1.49e8, 1.8e8), "1", "ga100-die", "calibrated", "rest of an SM (registers too): GA100 SM is 3.75 mm2"
)
WIRING_TRANSISTORS = constant(
    (2e7, 2.9e7, 6e7),
    "1",
    "llmcompassplus",
    "published",
    "cluster overhead per core: Thor 0.87/2 SM, 5.76/GPC, less network",
)
NETWORK_TRANSISTORS = constant(
    (7e5, 9.34e5, 1.2e6), "1", "llmcompass", "published", "crossbar per byte/clk: 44.3 M per SM at 5,120 B/clk"
)
CORE_HARVEST_RATIO = constant((0.84, 0.917, 1.0), "1", "gh100-die", "published", "132 of 144 SM sold; GA100 108 of 128")
UNCORE_M2 = constant(
    (40.0, 62.0, 90.0),
    "m2",
    "ga100-die",
    "calibrated",
    "at N4: what GA100's 826 mm2 leave; host link included",
    si_factor=MM2,
)
ASYNC_ENGINE_RATIO = constant(
    (0.0, 0.003, 0.01),
    "1",
    "own",
    "assumed",
    "core area per unit of overlap exponent above 1 (notes: 2 to 10 % in all)",
)
COLLECTIVE_M2_S = constant(
    (5.0, 10.0, 20.0),
    "m2*s",
    "own",
    "assumed",
    "collective engine: 10 mm2 buys 1 us, area over latency",
    si_factor=MM2 * 1e-6,
)
LAUNCH_M2_S = constant(
    (1.0, 2.0, 4.0),
    "m2*s",
    "own",
    "assumed",
    "launch hardware: 2 mm2 buys 1 us, area over latency",
    si_factor=MM2 * 1e-6,
)

HBM_PHY_M2: tuple[tuple[float, Constant], ...] = (
    (0.46e12, constant((9.7, 10.45, 11.0), "m2", "llmcompass", "published", "HBM2e, 1,024 bit", si_factor=MM2)),
    (1.2e12, constant((10.5, 11.5, 13.0), "m2", "own", "assumed", "HBM3e, 1,024 bit at 9.6 Gb/s", si_factor=MM2)),
    (2.0e12, constant((13.0, 15.0, 20.0), "m2", "own", "assumed", "HBM4, 2,048 bit", si_factor=MM2)),
)
"""PHY area of one stack along the stack's bandwidth (byte/s); it does not scale with the process."""
HBM_CONTROLLER_TRANSISTORS = constant((4e8, 5.53e8, 7e8), "1", "llmcompass", "published", "controller per stack")
LINK_PHY_M2_S_PER_BYTE = constant(
    (0.022, 0.0386, 0.0755),
    "m2*s/byte",
    "llmcompass",
    "published",
    "NVLink4 0.965 mm2 per 25 GB/s",
    si_factor=MM2 / 1e9,
)
LINK_CONTROLLER_TRANSISTORS_S_PER_BYTE = constant(
    (2.5, 3.2, 3.5), "s/byte", "llmcompass", "published", "80 M transistors per NVLink of 25 GB/s", si_factor=1e6 / 1e9
)
DIE_TO_DIE_M2 = constant((5.0, 10.0, 15.0), "m2", "ucie", "published", "per die: 5 TB/s at 523 GB/s/mm2", si_factor=MM2)

RETICLE_M2 = constant((858.0, 858.0, 858.0), "m2", "foundry-recalled", "published", "26 x 33 mm field", si_factor=MM2)
RETICLE_ASPECT_RATIO = 26.0 / 33.0
HBM_EDGE_M = constant(
    (6.0, 8.0, 11.0), "m", "jedec-recalled", "assumed", "edge per stack: PHY 6, body 11", si_factor=MM
)
LINK_EDGE_M_S_PER_BYTE = constant(
    (0.015, 0.022, 0.04), "m*s/byte", "llmcompass", "assumed", "0.55 mm per 25 GB/s NVLink4 PHY", si_factor=MM / 1e9
)
DIE_TO_DIE_EDGE_M = constant((20.0, 26.0, 33.0), "m", "own", "assumed", "one short edge of each die", si_factor=MM)
SHORELINE_USE_RATIO = constant(
    (0.8, 0.85, 0.9), "1", "chip-notes", "assumed", "share of the perimeter that macros can use"
)
INTERPOSER_GROWTH_RATIO = constant((1.05, 1.1, 1.2), "1", "actuary", "published", "interposer over the silicon on it")
HBM_BODY_M2 = constant(
    (100.0, 110.0, 121.0), "m2", "jedec-recalled", "assumed", "footprint of one stack", si_factor=MM2
)
INTERPOSER_S_M2 = constant(
    (2700.0, 2700.0, 2700.0), "m2", "cowos", "published", "CoWoS-S, one compute die", si_factor=MM2
)
INTERPOSER_L_M2 = constant((4700.0, 4700.0, 7700.0), "m2", "cowos", "published", "CoWoS-L, several dies", si_factor=MM2)
STACK_SITES: tuple[tuple[float, float], ...] = ((1.0, 6.0), (2.0, 8.0), (4.0, 12.0))
"""(compute dies, HBM sites): one die has 6, two have 8, four or more 12."""
POWER_DENSITY_W_PER_M2 = constant(
    (1.0, 1.3, 1.5), "W/m2", "chip-notes", "assumed", "liquid, TDP over compute silicon (H100 0.86)", si_factor=1e6
)
TDP_CLASSES_W: tuple[float, ...] = (350.0, 700.0, 1000.0, 1200.0, 1400.0, 2300.0)
"""Cooling and socket classes of the market; the largest is a limit."""
