"""Demand answers to price and latency by declared elasticities, and not at all where these are switched off."""

from dataclasses import replace
from datetime import date

import pytest
from polars.testing import assert_frame_equal

from telemetry_sim import SettingsError, SimulationSettings, simulate_day
from telemetry_sim.errors import ParameterError
from telemetry_sim.response import ENDS, Elasticity, ServiceChange, answered, elasticities, volume_ratio
from warehouse.contracts import Surface

CHEAPER = ServiceChange(price_ratio=0.5, latency_ratio=0.8)
DAY = date(2026, 6, 2)


def test_volume_follows_the_law_of_constant_elasticity() -> None:
    found = volume_ratio(CHEAPER, Elasticity(price_ratio=1.0, latency_ratio=0.5))
    assert found == pytest.approx(2.0 * 0.8**-0.5)


@pytest.mark.parametrize("surface", list(Surface))
def test_no_elasticity_and_no_change_both_leave_the_volume_alone(surface: Surface) -> None:
    elasticity = elasticities()[surface]
    assert volume_ratio(CHEAPER, elasticity, scale_ratio=0.0) == 1.0
    assert volume_ratio(ServiceChange(price_ratio=1.0, latency_ratio=1.0), elasticity) == 1.0


@pytest.mark.parametrize("surface", list(Surface))
def test_the_ends_of_the_declared_range_enclose_the_typical_answer(surface: Surface) -> None:
    low, typical, high = (volume_ratio(CHEAPER, elasticities(end)[surface]) for end in ENDS)
    assert 1.0 <= low <= typical <= high
    assert high > 1.0


def test_each_surface_gets_its_own_volume() -> None:
    settings = SimulationSettings(
        calls_per_day=10_000, surface_shares={Surface.API_BURST: 0.75, Surface.CODEX_LOOP: 0.25}
    )
    found = answered(settings, {Surface.API_BURST: 2.0, Surface.CODEX_LOOP: 1.0})
    assert found.calls_per_day == 17_500
    assert found.calls_of(Surface.API_BURST) == pytest.approx(15_000)
    assert found.calls_of(Surface.CODEX_LOOP) == pytest.approx(2_500)


def test_ratios_of_one_give_the_same_telemetry() -> None:
    settings = SimulationSettings(seed=3, calls_per_day=400)
    same = answered(settings, dict.fromkeys(Surface, 1.0))
    assert_frame_equal(simulate_day(settings, DAY).model_calls, simulate_day(same, DAY).model_calls)


def test_more_demand_brings_more_calls() -> None:
    settings = SimulationSettings(seed=3, calls_per_day=2_000, surface_shares={Surface.API_BURST: 1.0})
    more = answered(settings, {Surface.API_BURST: 2.0})
    counts = [simulate_day(each, DAY).model_calls.height for each in (settings, more)]
    assert 1.6 < counts[1] / counts[0] < 2.4


def test_a_simulated_surface_without_an_answer_is_refused() -> None:
    with pytest.raises(SettingsError, match="codex_loop"):
        answered(SimulationSettings(), {Surface.API_BURST: 2.0})


def test_impossible_changes_and_elasticities_are_refused() -> None:
    with pytest.raises(SettingsError, match="above 0"):
        replace(CHEAPER, price_ratio=0.0)
    with pytest.raises(ParameterError, match="negative"):
        Elasticity(price_ratio=-0.1, latency_ratio=0.0)
    with pytest.raises(ParameterError, match="typical"):
        elasticities("middle")
