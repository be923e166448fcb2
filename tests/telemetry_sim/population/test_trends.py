from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from telemetry_sim import (
    Drift,
    SettingsError,
    SimulationSettings,
    simulate_day,
    surface_parameters,
    with_emergence,
    with_growth,
)
from telemetry_sim.parameters import Trend
from telemetry_sim.population.trends import mix_ratios, volume_ratio
from warehouse.contracts import Surface

MONDAY = date(2026, 6, 1)
CHAT, CODING = Surface.LONG_CONTEXT_CHAT, Surface.CODEX_LOOP
FLAT = Trend(
    volume_growth_per_day_ratio=0.0,
    mix_drift_per_day_ratio=0.0,
    emergence_day_count=0.0,
    emergence_per_day_ratio=0.0,
)


def test_three_per_cent_a_day_compound_to_23_per_cent_in_a_week_and_shrink_before_the_first_day() -> None:
    trend = replace(FLAT, volume_growth_per_day_ratio=0.03)
    assert volume_ratio(trend, 7, Drift()) == pytest.approx(1.2299, abs=1e-4)
    assert volume_ratio(trend, 0, Drift()) == 1.0
    assert volume_ratio(trend, -1, Drift()) == pytest.approx(1 / 1.03)
    assert volume_ratio(trend, 7, Drift(volume_growth_ratio=2.0)) == pytest.approx(1.06**7)
    assert volume_ratio(trend, 7, Drift.none()) == 1.0


def test_an_emerging_surface_opens_at_a_hundredth_and_is_half_grown_at_the_logistic_midpoint() -> None:
    trend = replace(FLAT, emergence_day_count=5.0, emergence_per_day_ratio=0.7)
    assert volume_ratio(trend, 4, Drift()) == 0.0
    assert volume_ratio(trend, 5, Drift()) == pytest.approx(0.01)
    midpoint = round(5 + np.log(99) / 0.7)
    assert volume_ratio(trend, midpoint, Drift()) == pytest.approx(0.5, abs=0.1)
    assert volume_ratio(trend, 60, Drift()) == pytest.approx(1.0)
    assert volume_ratio(trend, 4, Drift(emergence=False)) == 1.0


def test_mix_drift_moves_shares_and_keeps_their_sum() -> None:
    shares = {CHAT: 0.7, CODING: 0.3}
    trends = {CHAT: FLAT, CODING: replace(FLAT, mix_drift_per_day_ratio=0.05)}
    ratios = mix_ratios(shares, trends, 10, Drift())
    assert sum(shares[surface] * ratios[surface] for surface in shares) == pytest.approx(1.0)
    odds = 0.3 * ratios[CODING] / (0.7 * ratios[CHAT])
    assert odds == pytest.approx(0.3 / 0.7 * 1.05**10)


def test_a_planted_growth_is_in_the_sessions_of_a_week() -> None:
    planted = with_growth(surface_parameters(CHAT), volume_growth_per_day_ratio=0.03, context_growth_per_day_ratio=0.02)
    settings = SimulationSettings(
        seed=2, calls_per_day=60_000, first_day=MONDAY, surface_shares={CHAT: 1.0}, surfaces={CHAT: planted}
    )
    first, later = (simulate_day(settings, MONDAY + timedelta(days=number)) for number in (0, 7))
    assert len(later.sessions) / len(first.sessions) == pytest.approx(1.03**7, rel=0.03)
    openings = [day.model_calls.filter(day.model_calls["step_index"] == 0)["input_tokens"] for day in (first, later)]
    grown_ratio = np.exp(np.log(openings[1].to_numpy()).mean() - np.log(openings[0].to_numpy()).mean())
    assert grown_ratio == pytest.approx(1.02**7, rel=0.03)


def test_a_planted_emergence_is_in_the_sessions() -> None:
    planted = with_emergence(surface_parameters(CHAT), day_number=1, per_day_ratio=1.5)
    settings = SimulationSettings(
        seed=2, calls_per_day=40_000, first_day=MONDAY, surface_shares={CHAT: 1.0}, surfaces={CHAT: planted}
    )
    counts = [len(simulate_day(settings, MONDAY + timedelta(days=number)).sessions) for number in (0, 1, 4, 9)]
    full = settings.sessions_of(CHAT)
    assert counts[0] == 0
    assert np.array(counts[1:3]) / full == pytest.approx([0.01, 1 / (1 + 99 * np.exp(-4.5))], rel=0.25)
    assert counts[3] / full == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("surface", list(Surface))
def test_what_the_files_declare_is_modest_and_can_be_switched_off(surface: Surface) -> None:
    day = MONDAY + timedelta(days=7)
    assert 0.95 < SimulationSettings().trend_ratio(surface, day) < 1.08
    calm = SimulationSettings(drift=Drift.none())
    assert calm.trend_ratio(surface, day) == 1.0
    assert calm.context_ratio(surface, day) == 1.0


def test_a_switch_outside_its_limits_is_refused() -> None:
    with pytest.raises(SettingsError, match="mix_drift_ratio -1"):
        Drift(mix_drift_ratio=-1.0)
