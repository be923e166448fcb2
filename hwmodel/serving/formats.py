"""Number formats of a replica: what a chip multiplies in, and what the cache is kept in."""

from hwmodel.catalog.chip_design import ChipDesign
from hwmodel.catalog.llm import Dtype

FORMATS: tuple[Dtype, ...] = ("bf16", "fp8", "fp4")
"""Widest first."""


def built_in_formats(design: ChipDesign) -> tuple[Dtype, ...]:
    """Formats that the chip's matrix units multiply in, widest first."""
    rates = {"bf16": 1.0, "fp8": design.fp8_rate_ratio, "fp4": design.fp4_rate_ratio}
    return tuple(one for one in FORMATS if rates[one] > 0.0)


def cache_dtype(weights: Dtype) -> Dtype:
    """Format of the cache: fp8 beside quantised weights, bf16 beside bf16 (assumed: runs do not say)."""
    return "bf16" if weights == "bf16" else "fp8"
