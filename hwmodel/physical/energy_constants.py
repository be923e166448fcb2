"""Constants of energy and power: per operation, per byte, at rest, and how voltage follows the clock."""

from hwmodel.physical.constant import Constant, constant

PJ = 1e-12
BIT = 8.0

ENERGY_RATIO: dict[str, Constant] = {
    "N7": constant((1.4, 1.6, 1.8), "1", "foundry-recalled", "assumed", "switching energy over N4 at equal voltage"),
    "N5": constant((1.0, 1.05, 1.1), "1", "foundry-recalled", "assumed", "likewise"),
    "N4": constant((1.0, 1.0, 1.0), "1", "foundry-recalled", "assumed", "reference"),
    "N3": constant((0.65, 0.72, 0.8), "1", "foundry-recalled", "assumed", "25 to 35 % under N5"),
    "N2": constant((0.48, 0.54, 0.62), "1", "foundry-recalled", "assumed", "25 to 30 % under N3"),
}
MULTIPLY_J_PER_FLOP: dict[str, Constant] = {
    "bf16": constant((0.12, 0.20, 0.30), "J", "own", "calibrated", "array at N4, 0.9 V", si_factor=PJ),
    "fp8": constant((0.04, 0.06, 0.10), "J", "own", "calibrated", "Thor fp8 rail slope is 0.104 in all", si_factor=PJ),
    "fp4": constant((0.015, 0.025, 0.06), "J", "own", "assumed", "accumulation dominates", si_factor=PJ),
    "int8": constant((0.03, 0.05, 0.10), "J", "own", "assumed", "near fp8", si_factor=PJ),
}
FEED_J_PER_FLOP = constant(
    (0.2, 0.30, 0.4), "J", "own", "calibrated", "operands of 2 bytes into 4,096 FLOP/clk: H100 near TDP", si_factor=PJ
)
FEED_REFERENCE_FLOP = 4096.0
"""Operand energy falls with the square root of the array's size (FLOP per clock at the format) over this."""
FEED_BYTES: dict[str, float] = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.5, "int8": 1.0}
VECTOR_J_PER_FLOP = constant(
    (0.4, 0.8, 1.5), "J", "horowitz", "assumed", "45 nm 3.7 + 0.9 pJ scaled, registers", si_factor=PJ
)
L2_J_PER_BYTE = constant(
    (0.3, 0.5, 0.8), "J/byte", "chip-notes", "assumed", "shared cache with network, pJ/bit at N4", si_factor=PJ * BIT
)
DIE_TO_DIE_J_PER_BYTE = constant(
    (0.25, 0.5, 0.6), "J/byte", "ucie", "published", "advanced package 0.3 to 0.6 pJ/bit", si_factor=PJ * BIT
)
"""Of shared-cache traffic that crosses between compute dies."""
LINK_J_PER_BYTE = constant(
    (4.0, 5.0, 6.5), "J/byte", "chip-notes", "assumed", "SerDes pJ/bit per end", si_factor=PJ * BIT
)
HBM_J_PER_BYTE: tuple[tuple[float, Constant], ...] = (
    (
        0.46e12,
        constant((4.5, 5.5, 8.0), "J/byte", "chip-notes", "assumed", "HBM2e, device and PHY", si_factor=PJ * BIT),
    ),
    (
        1.2e12,
        constant((4.1, 5.2, 8.2), "J/byte", "chip-notes", "published", "HBM3e: 4.0 + 1.2 pJ/bit", si_factor=PJ * BIT),
    ),
    (
        2.0e12,
        constant((3.6, 4.2, 6.0), "J/byte", "chip-notes", "published", "HBM4: 3.2 + 1.0 pJ/bit", si_factor=PJ * BIT),
    ),
)
"""Along the bandwidth of a stack (byte/s)."""

LEAKAGE_W_PER_M2 = constant(
    (0.04, 0.06, 0.09), "W/m2", "neusim", "calibrated", "idle A100 50 to 60 W, H100 70 to 100 W", si_factor=1e6
)
HBM_IDLE_W = constant((2.0, 4.0, 6.0), "W", "own", "assumed", "one stack, refresh and PHY")
LINK_IDLE_J_PER_BYTE = constant(
    (10.0, 20.0, 30.0), "J/byte", "own", "assumed", "SerDes idle at half power", si_factor=PJ
)

VOLTAGE_AT_ZERO_V = constant((0.35, 0.41, 0.45), "V", "chip-notes", "assumed", "line through 0.65 V, 0.9 GHz")
VOLTAGE_S = constant((0.24, 0.267, 0.30), "V*s", "chip-notes", "assumed", "and 1.05 V at 2.4 GHz", si_factor=1e-9)
REFERENCE_VOLTAGE_V = 0.9

MATRIX_LOAD_RATIO = constant(
    (0.5, 0.6, 0.8), "1", "aic", "measured", "share of peak that large GEMMs reach (.46 to .84)"
)
VECTOR_LOAD_RATIO = constant((0.1, 0.2, 0.4), "1", "own", "assumed", "vector lanes beside a large GEMM")
L2_LOAD_RATIO = constant((0.2, 0.4, 0.6), "1", "own", "assumed", "shared cache beside a large GEMM")
HBM_LOAD_RATIO = constant((0.3, 0.5, 0.8), "1", "own", "assumed", "memory beside a large GEMM")
LINK_LOAD_RATIO = constant((0.1, 0.3, 0.5), "1", "own", "assumed", "links beside a large GEMM")
