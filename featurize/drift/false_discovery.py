"""Control of the false discovery rate over many tests."""

import numpy as np
import numpy.typing as npt


def adjusted_p_values(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Smallest false discovery rate at which each test would be called, in the order given.

    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289; valid for independent and positively dependent tests.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * count / np.arange(1, count + 1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
