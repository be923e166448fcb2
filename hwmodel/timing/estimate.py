"""The answer of the timing model: time of each kernel on each design, with its parts and its binding resource."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTiming:
    """Times of one run of each kernel; arrays are (designs, kernels)."""

    latency_s: Float[np.ndarray, "designs kernels"]
    bound_s: Float[np.ndarray, "designs kernels"]
    """Roofline: the slowest of the ideal matrix, vector, exponent, HBM and link times. Never above latency_s."""
    matrix_s: Float[np.ndarray, "designs kernels"]
    vector_s: Float[np.ndarray, "designs kernels"]
    exponent_s: Float[np.ndarray, "designs kernels"]
    l2_s: Float[np.ndarray, "designs kernels"]
    hbm_s: Float[np.ndarray, "designs kernels"]
    link_s: Float[np.ndarray, "designs kernels"]
    fixed_s: Float[np.ndarray, "designs kernels"]
    """Launch, wave, synchronisation and collective latencies."""
    binding_code: Int[np.ndarray, "designs kernels"]
    """Position in `tuple(BindingResource)` of the largest part."""
    hbm_bytes: Float[np.ndarray, "designs kernels"]
    """HBM traffic of one run, reloads included."""
