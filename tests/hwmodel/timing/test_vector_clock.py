"""The clock of vector lanes under the power limit."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import DesignTable, load_catalog, timed_design_of
from hwmodel.physical.energy_constants import ENERGY_RATIO, VOLTAGE_AT_ZERO_V, VOLTAGE_S
from hwmodel.timing import FIRST_CONSTANTS
from hwmodel.timing.errors import BadConstants
from hwmodel.timing.power import SWITCHING_RATIO, vector_clock_ratio

T4 = timed_design_of(load_catalog().chip("t4"), allow_estimates=True)


def test_at_the_clock_that_is_held_the_lanes_draw_their_share_of_tdp() -> None:
    ratio = float(vector_clock_ratio(DesignTable.of([T4]), FIRST_CONSTANTS)[0])
    clock = ratio * 1.59e9
    volts = 0.41 + 0.267e-9 * clock
    joule = 40 * 128 * 2.0 * FIRST_CONSTANTS.vector_flop_j  # SMs, FLOP per clock, 12FFN over N4
    assert ratio < 1.0
    assert joule * clock * volts**2 == pytest.approx(0.85 * 70.0, rel=1e-6)


def test_a_chip_with_power_to_spare_keeps_its_clock_and_a_finer_process_holds_more() -> None:
    spare = replace(T4, tdp_w=1e4)
    by_node = [replace(T4, node=node) for node in ("16FF", "12FFN", "N7", "N4", "N3")]
    ratios = vector_clock_ratio(DesignTable.of([spare, *by_node]), FIRST_CONSTANTS)
    assert ratios[0] == 1.0
    assert np.all(np.diff(ratios[1:]) >= 0.0)
    assert ratios[1] < ratios[-1]


def test_an_unknown_process_is_refused() -> None:
    with pytest.raises(BadConstants, match="28HP; known: 16FF"):
        vector_clock_ratio(DesignTable.of([replace(T4, node="28HP")]), FIRST_CONSTANTS)


def test_energy_by_process_and_voltage_are_those_of_the_physical_model() -> None:
    assert {node: SWITCHING_RATIO[node] for node in ENERGY_RATIO} == {
        node: constant.typical for node, constant in ENERGY_RATIO.items()
    }
    assert FIRST_CONSTANTS.vector_zero_v == VOLTAGE_AT_ZERO_V.typical
    assert FIRST_CONSTANTS.vector_v_per_hz == pytest.approx(VOLTAGE_S.typical)
