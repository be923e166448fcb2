"""Telemetry that several test modules read; made once."""

from datetime import date

import pytest

from telemetry_sim import SimulationSettings, TelemetryDay, simulate_day, simulate_days
from tests.telemetry_sim.strategies import TUESDAY, only
from warehouse.contracts import Surface


@pytest.fixture(scope="session")
def three_days() -> dict[date, TelemetryDay]:
    return dict(simulate_days(SimulationSettings(seed=1, first_day=TUESDAY), 3))


@pytest.fixture(scope="session")
def coding_day() -> TelemetryDay:
    return simulate_day(only(Surface.CODEX_LOOP, 400_000), TUESDAY)
