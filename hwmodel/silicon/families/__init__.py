"""The families of measured kernels, one module each."""

from hwmodel.silicon.families.gemm import GEMM
from hwmodel.silicon.family import Family

FAMILIES: tuple[Family, ...] = (GEMM,)
"""In the order in which constants are fitted: the first ones fit what the others share."""

__all__ = ["FAMILIES", "GEMM"]
