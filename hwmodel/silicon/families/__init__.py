"""The families of measured kernels, one module each."""

from hwmodel.silicon.families.collective import COLLECTIVE
from hwmodel.silicon.families.decode import DECODE
from hwmodel.silicon.families.gemm import GEMM
from hwmodel.silicon.families.moe import MOE, MOE_MODELS
from hwmodel.silicon.families.prefill import PREFILL
from hwmodel.silicon.family import Family

FAMILIES: tuple[Family, ...] = (GEMM, PREFILL, DECODE, MOE, COLLECTIVE)
"""In the order in which constants are fitted: the first ones fit what the others share."""

__all__ = ["COLLECTIVE", "DECODE", "FAMILIES", "GEMM", "MOE", "MOE_MODELS", "PREFILL"]
