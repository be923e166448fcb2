"""The clock that a chip holds while all its matrix units work: power meets TDP before the sheet's clock does."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numba import njit

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.timing.constants import TimingConstants

REFERENCE_HZ = 1.3e9
"""Clock up to which voltage stays at its least. Assumed; sheets of voltage against clock are not published."""
HALVINGS = 40


def matrix_clock_ratio(designs: DesignTable, constants: TimingConstants, clk_j: float) -> Float[np.ndarray, "designs"]:
    """Clock under full matrix load over the sheet's clock, at most 1.

    Solves share TDP = cores E (FLOP/clk)^a f V(f)^2 with V = V0 + s (f - 1.3 GHz), dynamic power of CMOS logic at the
    voltage that its clock needs. The exponent a is below 1: wider units reuse operands.

    Args:
        designs: Chips with their TDP.
        constants: Voltage, exponent and share of TDP.
        clk_j: Energy E of one clock of a unit of 1 FLOP per clock, at 1 V, in the format at hand.
    """
    per_clk = designs.cores_count * clk_j * designs.matrix_flop_per_clk**constants.matrix_width_exponent
    budget_w = constants.matrix_power_share * designs.tdp_w
    low, high = np.zeros_like(budget_w), np.asarray(designs.clock_hz, dtype=np.float64)
    fits = _drawn_w(per_clk, high, constants) <= budget_w
    top = high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = _drawn_w(per_clk, middle, constants) <= budget_w
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(fits, 1.0, low / top)


def _drawn_w(per_clk_j: Any, clock_hz: Any, constants: TimingConstants) -> Any:
    volts = constants.matrix_least_v + constants.matrix_v_per_hz * np.maximum(clock_hz - REFERENCE_HZ, 0.0)
    return per_clk_j * clock_hz * volts**2


@njit(nogil=True)
def throttled(busy_s: float, clock_ratio: float, settle_s: float) -> float:
    """Matrix time once the clock has fallen to what power allows; short kernels end before it falls.

    Args:
        busy_s: Time at the sheet's clock.
        clock_ratio: See `matrix_clock_ratio`.
        settle_s: Time in which half of the fall is reached.
    """
    return busy_s * (1.0 + (1.0 / clock_ratio - 1.0) * busy_s / (busy_s + settle_s))
