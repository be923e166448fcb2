from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from telemetry_sim import FlashCrowd, SettingsError, SimulationSettings, simulate_day, surface_parameters
from telemetry_sim.population.crowds import crowd_load, drawn_crowds
from warehouse.contracts import Surface

TUESDAY = date(2026, 6, 2)
CROWD = FlashCrowd(
    surface=Surface.API_BURST, day=TUESDAY, onset_s=43_200.0, height_ratio=10.0, rise_s=600.0, decay_s=1800.0
)
AREA_RATIO = 10.0 * (300.0 + 1800.0) / 86_400.0
"""Height x (half the rise + the decay), in working days."""


def test_the_extra_load_rises_to_its_height_and_falls_to_a_third_in_the_decay_time() -> None:
    load = crowd_load([CROWD], TUESDAY, 1440)
    assert load[:720].max() == 0.0
    assert load[725] == pytest.approx(10.0 * 5.5 / 10.0)
    assert load.max() == pytest.approx(10.0, rel=0.02)
    assert load[760] / load[730] == pytest.approx(np.exp(-1.0), rel=0.001)
    assert load.mean() == pytest.approx(AREA_RATIO, rel=0.001)


@pytest.mark.parametrize("onset_s", [0.0, 40_000.0, 86_000.0])
def test_no_session_of_a_crowd_is_lost_at_midnight(onset_s: float) -> None:
    crowd = replace(CROWD, onset_s=onset_s)
    days = (TUESDAY - timedelta(days=1), TUESDAY, TUESDAY + timedelta(days=1))
    means = [crowd_load([crowd], day, 1440).mean() for day in days]
    assert means[0] == 0.0
    assert sum(means) == pytest.approx(AREA_RATIO, rel=1e-6)


def test_a_planted_crowd_brings_its_sessions_to_its_surface_at_its_time() -> None:
    def minutes(crowds: tuple[FlashCrowd, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        calm = surface_parameters(Surface.API_BURST)
        never = replace(calm, volume=replace(calm.volume, crowds=replace(calm.volume.crowds, per_day_count=0.0)))
        settings = SimulationSettings(
            seed=4,
            calls_per_day=40_000,
            first_day=TUESDAY,
            surface_shares={Surface.API_BURST: 1.0},
            surfaces={Surface.API_BURST: never},
            crowds=crowds,
        )
        started = simulate_day(settings, TUESDAY).sessions["started_at"]
        minute = (started.dt.hour().cast(int) * 60 + started.dt.minute().cast(int)).to_numpy()
        return np.bincount(minute, minlength=1440)

    extra = minutes((CROWD,)) - minutes(())
    assert extra.sum() == pytest.approx(AREA_RATIO * 40_000 / 1.01, rel=0.25)
    assert extra[720:900].sum() > 0.9 * extra.sum()


def test_crowds_come_by_chance_at_the_declared_rate_height_and_the_same_way_again() -> None:
    law = replace(surface_parameters(Surface.API_BURST).volume.crowds, per_day_count=0.5, height_ratio=3.0)
    days = [TUESDAY + timedelta(days=number) for number in range(2000)]
    crowds = [crowd for day in days for crowd in drawn_crowds(7, Surface.API_BURST, law, day)]
    assert len(crowds) == pytest.approx(1000, abs=100)
    assert np.median([crowd.height_ratio for crowd in crowds]) == pytest.approx(3.0, rel=0.1)
    assert np.mean([crowd.onset_s for crowd in crowds]) == pytest.approx(43_200.0, rel=0.06)
    again = [crowd for day in reversed(days) for crowd in reversed(drawn_crowds(7, Surface.API_BURST, law, day))]
    assert crowds == again[::-1]


def test_a_crowd_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match="onset_s 90000"):
        replace(CROWD, onset_s=90_000.0)
    with pytest.raises(SettingsError, match="times must be above 0"):
        replace(CROWD, decay_s=0.0)
