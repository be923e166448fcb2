"""Time of whole scheduler steps from the times of their kernels."""

import numpy as np
from jaxtyping import Float

from hwmodel.kernels.batch import KernelBatch
from hwmodel.timing.estimate import KernelTiming


def step_time_s(
    timing: KernelTiming, kernels: KernelBatch, states_count: int, *, host_s: float
) -> Float[np.ndarray, "designs states"]:
    """Time of each step on each design: the kernels one after another, and the host's share.

    Args:
        timing: times of the kernels.
        kernels: the same kernels, with their states and repeats.
        states_count: number of states, those without kernels included.
        host_s: time per step that the chip waits for the host; 0 for a step without kernels.
    """
    designs_count = timing.latency_s.shape[0]
    weighted = timing.latency_s * kernels.repeat_count
    flat = kernels.state[None, :] + states_count * np.arange(designs_count)[:, None]
    total = np.bincount(flat.ravel(), weights=weighted.ravel(), minlength=designs_count * states_count)
    has_kernels = np.bincount(kernels.state, minlength=states_count) > 0
    return total.reshape(designs_count, states_count) + np.where(has_kernels, host_s, 0.0)
