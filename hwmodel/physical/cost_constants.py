"""Constants of money: wafers, defects, memory, packaging, engineering, hosts, sites, electricity."""

from hwmodel.physical.constant import Constant, constant

GB = 1e9
WAFER_DIAMETER_M = 0.300

WAFER_USD: dict[str, Constant] = {
    "N7": constant((8.5e3, 9.346e3, 1.05e4), "USD", "ttm-cas", "published", "CSET wafer price"),
    "N5": constant((1.35e4, 1.6e4, 1.7e4), "USD", "ttm-cas", "published", "13.5 k (2020) to 16,988"),
    "N4": constant((1.34e4, 1.65e4, 2.0e4), "USD", "wafer-press", "published", "13.4 k to 20 k"),
    "N3": constant((1.8e4, 1.95e4, 3.0e4), "USD", "wafer-press", "published", "18 k to 20 k; one author has 30 k"),
    "N2": constant((2.46e4, 2.8e4, 3.0e4), "USD", "wafer-press", "published", "24.6 k to 30 k"),
}
DEFECTS_PER_M2: dict[str, Constant] = {
    "N7": constant(
        (0.09, 0.10, 0.15), "1/m2", "actuary", "published", "0.09 foundry 2019, 0.15 ttm-cas", si_factor=1e4
    ),
    "N5": constant((0.10, 0.11, 0.20), "1/m2", "actuary", "published", "0.10 to 0.11; 0.20 ttm-cas", si_factor=1e4),
    "N4": constant((0.09, 0.10, 0.20), "1/m2", "actuary", "assumed", "as a mature N5", si_factor=1e4),
    "N3": constant((0.10, 0.13, 0.20), "1/m2", "foundry-recalled", "assumed", "range of the notes", si_factor=1e4),
    "N2": constant((0.10, 0.15, 0.25), "1/m2", "foundry-recalled", "assumed", "young process", si_factor=1e4),
}
CLUSTER_EXPONENT = constant((3.0, 3.0, 10.0), "1", "ttm-cas", "published", "negative-binomial alpha: 3, Actuary 10")
REPAIRED_RATIO = constant((0.7, 0.9, 0.95), "1", "own", "assumed", "defects in cores and cache that a spare takes over")

HBM_USD_PER_BYTE: tuple[tuple[float, Constant], ...] = (
    (
        0.46e12,
        constant(
            (7.0, 13.0, 15.0), "USD/byte", "memory-press", "assumed", "HBM2e; 7 in 2023 (LLMCompass)", si_factor=1 / GB
        ),
    ),
    (
        0.67e12,
        constant(
            (12.0, 15.0, 18.75),
            "USD/byte",
            "memory-press",
            "published",
            "HBM3; 1.35 to 1.5 k$ for 80 GB",
            si_factor=1 / GB,
        ),
    ),
    (
        1.2e12,
        constant(
            (12.0, 15.0, 18.75), "USD/byte", "memory-press", "published", "HBM3e; 2.9 k$ for 192 GB", si_factor=1 / GB
        ),
    ),
    (
        2.0e12,
        constant(
            (13.0, 16.7, 22.0), "USD/byte", "memory-press", "published", "HBM4; over 600 $ for 36 GB", si_factor=1 / GB
        ),
    ),
)
"""Memory price along the bandwidth of a stack (byte/s): the generation shows in its bandwidth."""

PACKAGE_BASE_USD = constant((100.0, 150.0, 250.0), "USD", "package-press", "calibrated", "substrate, lid")
PACKAGE_USD_PER_M2 = constant(
    (0.28, 0.38, 0.50), "USD/m2", "package-press", "calibrated", "CoWoS: 723 to 750 $ H100, 1,100 B200", si_factor=1e6
)
ATTACH_YIELD_RATIO = constant((0.98, 0.99, 0.995), "1", "chip-notes", "assumed", "per die or stack placed")
BOARD_USD = constant(
    (350.0, 500.0, 650.0), "USD", "package-press", "calibrated", "module board and test: H100 920 $ with power"
)
BOARD_USD_PER_W = constant((0.3, 0.5, 0.7), "USD/W", "package-press", "assumed", "voltage regulators, heat spreader")

NRE_USD: dict[str, Constant] = {
    "N7": constant((2.0e8, 2.98e8, 4.0e8), "USD", "actuary", "published", "per 300 mm2 chip"),
    "N5": constant((4.0e8, 5.42e8, 7.0e8), "USD", "actuary", "published", "per 300 mm2 chip"),
    "N4": constant((4.0e8, 5.42e8, 7.0e8), "USD", "actuary", "assumed", "as N5"),
    "N3": constant((7.0e8, 1.0e9, 1.3e9), "USD", "actuary", "published", "per 300 mm2 chip"),
    "N2": constant((1.0e9, 1.5e9, 2.0e9), "USD", "own", "assumed", "N3 x 1.5"),
}
NRE_REFERENCE_M2 = 300e-6
NRE_FIXED_RATIO = constant((0.2, 0.2, 0.3), "1", "actuary", "published", "50 % modules, 30 % chip, 20 % fixed")

MARKUP_RATIO: dict[str, Constant] = {
    "in_house": constant(
        (1.3, 1.6, 2.5), "1", "own", "assumed", "module cost to what the operator pays its ASIC partner"
    ),
    "merchant": constant((4.0, 7.0, 9.0), "1", "price", "assumed", "street 27.5 k$ H100, 40 k$ B200 over module cost"),
}
"""Price bases: one ratio for every design of a comparison."""
HOST_USD = constant((3e3, 6e3, 1.2e4), "USD", "bern", "assumed", "CPU, board, tray, cooling per chip (8-chip node)")
SCALE_UP_USD_S_PER_BYTE = constant(
    (1.0, 3.0, 6.0), "USD*s/byte", "own", "assumed", "switches and cables per one-way GB/s", si_factor=1 / GB
)
SWITCHLESS_RATIO = constant(
    (0.3, 0.5, 0.7), "1", "own", "assumed", "links to neighbours: cables alone, over switches and cables"
)
NETWORK_RATIO = constant((0.10, 0.125, 0.15), "1", "bern", "published", "scale-out network over chip and host capex")
FACILITY_USD_PER_W = constant((9.0, 10.5, 12.0), "USD/W", "bern", "published", "9 to 12 M$ per MW of IT load")
FACILITY_LIFE_YEARS = constant((10.0, 15.0, 20.0), "a", "own", "assumed", "buildings outlive chips")
CHIP_LIFE_YEARS = constant((4.0, 4.0, 5.0), "a", "bern", "published", "4 hyperscaler, 5 common")
UTILISATION_RATIO = constant((0.75, 0.9, 0.95), "1", "own", "assumed", "hours in service over hours owned")
POWER_USE_RATIO = constant((0.7, 0.8, 1.0), "1", "own", "assumed", "mean draw over provisioned power")
ELECTRICITY_USD_PER_J = constant(
    (0.06, 0.08, 0.12), "USD/J", "bern", "published", "0.06 to 0.12 $/kWh", si_factor=1 / 3.6e6
)
OVERHEAD_RATIO = constant(
    (1.5, 2.1, 2.5),
    "1",
    "ixapp",
    "calibrated",
    "all-in over TDP: GB300 1.5, Jalapeño 1.61, GB200 1.75, B200 2.17, H100 2.47",
)
FACILITY_OVERHEAD_RATIO = constant((1.1, 1.2, 1.5), "1", "bern", "published", "PUE: best, modern default, colocation")
RACK_AIR_W = constant((2.0e4, 4.0e4, 5.0e4), "W", "rack-notes", "assumed", "air-cooled rack, 8-chip domains")
RACK_LIQUID_W = constant((1.2e5, 1.4e5, 1.6e5), "W", "rack-notes", "published", "GB200/GB300 120 to 142 kW")
AIR_TDP_W = 1000.0
"""Above this TDP, or with a scale-up domain beyond 8 chips, a rack is liquid-cooled."""
AIR_WORLD_COUNT = 8.0
