"""The clock that a chip holds while all its matrix units work: power meets TDP before the sheet's clock does."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from numba import njit, vectorize

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.timing.constants import TimingConstants
from hwmodel.timing.errors import BadConstants

REFERENCE_HZ = 1.3e9
"""Clock up to which voltage stays at its least. Assumed; sheets of voltage against clock are not published."""
HALVINGS = 40
SWITCHING_RATIO: Mapping[str, float] = MappingProxyType(
    {"16FF": 2.3, "12FFN": 2.0, "8N": 1.8, "N7": 1.6, "N5": 1.05, "N4": 1.0, "N3": 0.72, "N2": 0.54}
)
"""Energy of a vector operation at equal voltage by process, over N4: from N7 on as in the physical model (foundries'
claims, recalled), before it assumed. Matrix units need no such table: their energy was fitted on N7 and N4 alike."""


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
    least_v, v_per_hz = constants.matrix_least_v, constants.matrix_v_per_hz
    return np.asarray(_held_ratio(per_clk, designs.clock_hz, budget_w, least_v, v_per_hz, REFERENCE_HZ))


def vector_clock_ratio(designs: DesignTable, constants: TimingConstants) -> Float[np.ndarray, "designs"]:
    """The same while all vector lanes multiply and add.

    An operation takes the same energy in a unit of any width, less of it in a finer process; chips that meet their
    TDP this way run far below 1.3 GHz, so voltage follows the physical model's line from zero clock on.

    Raises:
        BadConstants: A chip is in a process that `SWITCHING_RATIO` lacks.
    """
    unknown = sorted(set(designs.node) - set(SWITCHING_RATIO))
    if unknown:
        raise BadConstants(f"no switching energy for process {unknown[0]}; known: {', '.join(SWITCHING_RATIO)}")
    process = np.array([SWITCHING_RATIO[node] for node in designs.node])
    per_clk = designs.cores_count * constants.vector_flop_j * process * designs.vector_flop_per_clk
    budget_w = constants.matrix_power_share * designs.tdp_w
    zero_v, v_per_hz = constants.vector_zero_v, constants.vector_v_per_hz
    return np.asarray(_held_ratio(per_clk, designs.clock_hz, budget_w, zero_v, v_per_hz, 0.0))


@vectorize
def _held_ratio(
    per_clk_j: float, top_hz: float, budget_w: float, least_v: float, v_per_hz: float, least_hz: float
) -> float:
    """The largest share of a clock at which power stays within its budget, by halving."""
    low, high = 0.0, top_hz
    if _drawn_w(per_clk_j, top_hz, least_v, v_per_hz, least_hz) <= budget_w:
        return 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _drawn_w(per_clk_j, middle, least_v, v_per_hz, least_hz) <= budget_w:
            low = middle
        else:
            high = middle
    return low / top_hz


@njit(nogil=True)
def _drawn_w(per_clk_j: float, clock_hz: float, least_v: float, v_per_hz: float, least_hz: float) -> float:
    volts = least_v + v_per_hz * max(clock_hz - least_hz, 0.0)
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
