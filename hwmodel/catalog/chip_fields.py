"""The numbers that describe a chip: their name here, their key in the data files, their unit and its SI factor."""

from dataclasses import dataclass

MIB = 2.0**20
KIB = 2.0**10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipField:
    """One number of a chip: the only place where a vendor's unit meets the SI unit."""

    name: str
    """SI name, as in `ChipSpec.facts`."""
    key: str
    """Key in the data file, in the file's unit."""
    unit: str
    """SI unit; `1` where dimensionless."""
    si_factor: float
    """SI value of one unit of the file."""
    meaning: str


def _field(name: str, key: str, unit: str, si_factor: float, meaning: str) -> ChipField:
    return ChipField(name=name, key=key, unit=unit, si_factor=si_factor, meaning=meaning)


CHIP_FIELDS: tuple[ChipField, ...] = (
    _field("bf16_flop_per_s", "tflops_dense.bf16", "FLOP/s", 1e12, "dense peak at bf16"),
    _field("fp8_flop_per_s", "tflops_dense.fp8", "FLOP/s", 1e12, "dense peak at fp8"),
    _field("fp4_flop_per_s", "tflops_dense.fp4", "FLOP/s", 1e12, "dense peak at fp4"),
    _field("int8_flop_per_s", "tflops_dense.int8", "FLOP/s", 1e12, "dense peak at int8"),
    _field("fp16_flop_per_s", "tflops_dense.fp16", "FLOP/s", 1e12, "dense peak at fp16"),
    _field("fp32_flop_per_s", "tflops_dense.fp32", "FLOP/s", 1e12, "peak at fp32, vector lanes"),
    _field("memory_bytes", "memory.gb", "byte", 1e9, "memory capacity, vendor's decimal GB"),
    _field("memory_bytes_per_s", "memory.tb_per_s", "byte/s", 1e12, "memory bandwidth"),
    _field("memory_stacks_count", "memory.stacks", "1", 1.0, "HBM stacks, or 32-bit channels of GDDR"),
    _field("last_level_cache_bytes", "on_chip.l2_or_llc_mb", "byte", MIB, "cache shared by the cores"),
    _field("sram_bytes", "on_chip.sram_mb", "byte", MIB, "software-managed SRAM of the chip"),
    _field("sram_bytes_per_s", "on_chip.sram_tb_per_s", "byte/s", 1e12, "bandwidth of that SRAM"),
    _field("link_bytes_per_s", "scale_up.gb_per_s_unidir", "byte/s", 1e9, "scale-up bandwidth, one direction"),
    _field("link_world_count", "scale_up.world", "1", 1.0, "chips in the scale-up domain"),
    _field("scale_out_bytes_per_s", "scale_out_gb_per_s", "byte/s", 1e9, "scale-out bandwidth, one direction"),
    _field("tdp_w", "tdp_w", "W", 1.0, "thermal design power of the package; the power limit of a card"),
    _field("all_in_w", "all_in_kw", "W", 1e3, "utility power per chip: facility, hosts, network included"),
    _field("dies_count", "silicon.dies", "1", 1.0, "logic dies, I/O dies included"),
    _field("compute_die_m2", "silicon.compute_die_mm2", "m2", 1e-6, "area of one compute die"),
    _field("transistors_count", "silicon.transistors_b", "1", 1e9, "transistors of the package"),
    _field("sheet_clock_hz", "silicon.clock_mhz", "Hz", 1e6, "clock on the data sheet"),
    _field("base_clock_hz", "silicon.base_clock_mhz", "Hz", 1e6, "clock that the sheet promises at the power limit"),
    _field(
        "sustained_clock_hz", "silicon.sustained_clock_mhz", "Hz", 1e6, "clock held in long dense kernels, at least"
    ),
    _field("chip_usd", "price.chip_usd", "USD", 1.0, "street price of one chip"),
    _field("tco_hyperscaler_usd_per_h", "price.tco_h_hyperscaler", "USD/h", 1.0, "analyst's cost of owning it"),
    _field("tco_neocloud_usd_per_h", "price.tco_h_neocloud", "USD/h", 1.0, "same, at a small cloud"),
    _field("rent_usd_per_h", "price.rent_h", "USD/h", 1.0, "rent"),
    _field("rack_chips_count", "rack.chips", "1", 1.0, "chips per rack"),
    _field("rack_power_w", "rack.kw", "W", 1e3, "power of that rack"),
)
"""What chips.yaml holds."""

MICROARCHITECTURE_FIELDS: tuple[ChipField, ...] = (
    _field("compute_dies_count", "dies", "1", 1.0, "compute dies, I/O dies not counted"),
    _field("cores_count", "cores", "1", 1.0, "active cores"),
    _field(
        "matrix_flop_per_clk",
        "matrix_flop_per_clk",
        "FLOP",
        1.0,
        "dense bf16 FLOP per clock and core (fp16 without bf16)",
    ),
    _field("fp8_rate_ratio", "fp8_rate_ratio", "1", 1.0, "fp8 rate over bf16 rate, where no peak is published"),
    _field("fp4_rate_ratio", "fp4_rate_ratio", "1", 1.0, "fp4 rate over bf16 rate, likewise"),
    _field("int8_rate_ratio", "int8_rate_ratio", "1", 1.0, "int8 rate over bf16 rate, likewise"),
    _field("vector_flop_per_clk", "vector_flop_per_clk", "FLOP", 1.0, "fp32 vector FLOP per clock and core"),
    _field("exponent_per_clk", "exponent_per_clk", "1", 1.0, "exponentials per clock and core"),
    _field("smem_bytes", "smem_kib", "byte", KIB, "software-managed SRAM per core"),
    _field("shared_cache_bytes", "l2_mb", "byte", MIB, "stand-in for a shared cache that the chip lacks"),
    _field("l2_bytes_per_clk", "l2_bytes_per_clk", "byte", 1.0, "bytes per clock between shared cache and cores"),
    _field("collective_latency_s", "collective_latency_us", "s", 1e-6, "smallest all-reduce in the scale-up domain"),
    _field("launch_latency_s", "launch_latency_us", "s", 1e-6, "from one kernel to useful work in the next"),
    _field("overlap_exponent", "overlap_exponent", "1", 1.0, "how well compute and traffic overlap"),
    _field("design_clock_hz", "clock_mhz", "Hz", 1e6, "clock at which the published bf16 peak holds"),
)
"""What microarchitecture.yaml adds for chips that can be a design."""

FIELDS_BY_NAME: dict[str, ChipField] = {field.name: field for field in (*CHIP_FIELDS, *MICROARCHITECTURE_FIELDS)}
