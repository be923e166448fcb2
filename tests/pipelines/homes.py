"""What the tests of the pipelines share: a small simulation over a home of their own."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.run_loop import RunRequest
from pipelines.settings import Settings
from pipelines.source import SimulatedSource
from telemetry_sim import SimulationSettings, simulate_day

FIRST = date(2026, 6, 1)


def small_source(*, day_count: int = 1, calls_per_day: int = 2000, seed: int = 3) -> SimulatedSource:
    return SimulatedSource(
        settings=SimulationSettings(seed=seed, calls_per_day=calls_per_day, first_day=FIRST), day_count=day_count
    )


def request_in(home: Path, **choices: int) -> RunRequest:
    return RunRequest(settings=Settings(home=home), source=small_source(**choices), features_only=True)


def made_day(*, calls_per_day: int = 2000, seed: int = 3) -> Mapping[str, pl.DataFrame]:
    """What the simulator gives for the small source's first day, by table."""
    made = simulate_day(small_source(calls_per_day=calls_per_day, seed=seed).settings, FIRST)
    return {"model_calls": made.model_calls, "tool_calls": made.tool_calls, "sessions": made.sessions}
