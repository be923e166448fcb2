from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from telemetry_sim import surface_parameters
from telemetry_sim.population.arrivals import DayLoad, Starts, draw_starts
from telemetry_sim.population.clients import make_clients
from telemetry_sim.population.windows import window_factors
from telemetry_sim.streams import child_keys, root_key
from warehouse.contracts import Surface

PARAMETERS = surface_parameters(Surface.API_BURST)
REQUESTS = 60_000.0
DAY = date(2026, 6, 3)
LOAD = DayLoad.of(PARAMETERS.volume, DAY)


def both_processes() -> tuple[Starts, Starts]:
    clients = make_clients(1, Surface.API_BURST, PARAMETERS.volume, REQUESTS)
    everyone = np.arange(len(clients.region))
    calm = surface_parameters(Surface.CODEX_LOOP).volume.arrivals
    bursts = draw_starts(clients, everyone, DAY, LOAD, REQUESTS, PARAMETERS.volume.arrivals)
    return bursts, draw_starts(clients, everyone, DAY, LOAD, REQUESTS, calm)


def fano(start_s: np.ndarray[tuple[int, ...], np.dtype[np.float64]], bin_s: float) -> float:
    counts = np.histogram(start_s, bins=np.arange(0.0, 86_400.0 + bin_s, bin_s))[0]
    return float(counts.var() / counts.mean())


def test_bursts_keep_the_expected_volume() -> None:
    assert len(both_processes()[0].client) == pytest.approx(REQUESTS, rel=0.03)


def test_bursts_are_far_more_dispersed_than_independent_arrivals() -> None:
    bursts, independent = both_processes()
    assert fano(bursts.start_s, 60.0) > 4 * fano(independent.start_s, 60.0)
    assert fano(independent.start_s, 1.0) == pytest.approx(1.0, abs=0.2)


def test_bursts_come_by_tenant_in_order_of_time_within_the_day() -> None:
    bursts, _ = both_processes()
    same = np.diff(bursts.client) == 0
    assert np.all(np.diff(bursts.start_s)[same] >= 0.0)
    assert bursts.start_s.min() >= 0.0
    assert bursts.start_s.max() < 86_400.0


def test_no_request_falls_into_a_silent_window() -> None:
    bursts, _ = both_processes()
    largest = np.bincount(bursts.client).argmax()
    windows = np.unique((bursts.start_s[bursts.client == largest] // 600).astype(np.int64))
    assert 0.1 < len(windows) / 144 < 0.75


WINDOWS = PARAMETERS.volume.arrivals.windows
KEYS = child_keys(root_key(5), np.arange(1500))


def test_the_rate_steps_from_window_to_window_as_much_as_servegen_measures() -> None:
    """ServeGen: 10-minute steps of the log rate have a standard deviation of 0.5 to 0.8."""
    factor = window_factors(WINDOWS, KEYS, DAY)
    both = (factor[:, 1:] > 0.0) & (factor[:, :-1] > 0.0)
    level = np.log(np.where(factor > 0.0, factor, 1.0))
    steps = (level[:, 1:] - level[:, :-1])[both]
    assert 0.5 < steps.std() < 0.8
    assert level[factor > 0.0].std() == pytest.approx(WINDOWS.sigma_ratio, rel=0.05)


def test_silence_remembers_itself_and_has_the_declared_share() -> None:
    active = window_factors(WINDOWS, KEYS, DAY) > 0.0
    assert active.mean() == pytest.approx(WINDOWS.active_ratio, abs=0.02)
    stays = np.corrcoef(active[:, 1:].ravel(), active[:, :-1].ravel())[0, 1]
    assert stays == pytest.approx(WINDOWS.active_memory_ratio, abs=0.03)


def test_the_memory_of_a_rate_crosses_midnight() -> None:
    calm = replace(WINDOWS, active_ratio=1.0)
    evening = np.log(window_factors(calm, KEYS, DAY)[:, -1])
    morning = np.log(window_factors(calm, KEYS, DAY + timedelta(days=1))[:, 0])
    assert np.corrcoef(evening, morning)[0, 1] == pytest.approx(calm.memory_ratio, abs=0.03)
