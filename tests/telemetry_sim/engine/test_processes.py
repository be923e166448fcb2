"""A process of its own makes the bytes that this one makes: nothing depends on what was drawn before."""

import io
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import polars as pl
import pytest

from telemetry_sim import SimulationSettings, simulate_day
from tests.telemetry_sim.strategies import TUESDAY


def bytes_of_day(number: int) -> list[bytes]:
    settings = SimulationSettings(seed=11, calls_per_day=1_500, first_day=TUESDAY)
    day = simulate_day(settings, TUESDAY + timedelta(days=number), workers=1)
    return [_bytes(frame) for frame in (day.model_calls, day.tool_calls, day.sessions)]


def _bytes(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.rechunk().write_ipc(written)
    return written.getvalue()


@pytest.mark.slow
def test_days_made_in_other_processes_are_the_bytes_of_days_made_here() -> None:
    here = [bytes_of_day(number) for number in (0, 1)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        there = list(processes.map(bytes_of_day, (1, 0)))
    assert here == there[::-1]
