"""Days landed as they are made are the days that the simulator gives one by one."""

from datetime import date
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from pipelines.simulated_days import land_simulated_day, land_simulated_days
from pipelines.tables import TABLES
from telemetry_sim import SimulationSettings, simulate_day
from warehouse.lake import Lake


@pytest.mark.parametrize("is_one_by_one", [False, True])
def test_landed_days_equal_days_made_alone(tmp_path: Path, is_one_by_one: bool) -> None:
    settings = SimulationSettings(seed=3, calls_per_day=3_000, first_day=date(2026, 6, 2))
    lake = Lake.open(tmp_path)
    if is_one_by_one:
        landed = {day: land_simulated_day(lake, settings, day) for day in (date(2026, 6, 3), date(2026, 6, 2))}
    else:
        landed = dict(land_simulated_days(lake, settings, 2))
    for day, receipts in landed.items():
        alone = simulate_day(settings, day)
        for table in ("model_calls", "tool_calls", "sessions"):
            schema = TABLES[table].schema
            found = lake.scan(table, schema=schema, days=[day]).sort(schema.primary_key()).collect()
            made = getattr(alone, table).sort(schema.primary_key())
            assert receipts[table].row_count == len(made)
            assert_frame_equal(found, made, check_exact=True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("simulated-")] == []
    lake.close()


def test_a_caller_who_stops_early_leaves_whole_days_and_no_parts_behind(tmp_path: Path) -> None:
    settings = SimulationSettings(seed=3, calls_per_day=2_000, first_day=date(2026, 6, 2))
    lake = Lake.open(tmp_path)
    days = land_simulated_days(lake, settings, 3)
    first, receipts = next(days)
    days.close()
    assert lake.days("model_calls") == [first]
    assert lake.row_count("model_calls") == receipts["model_calls"].row_count
    assert not list(tmp_path.glob("simulated-*"))
    lake.close()


@pytest.mark.slow
def test_the_benchmark_tells_speed_and_the_ratio_to_landing_alone() -> None:
    from pipelines.bench import run_suite

    units = {row.unit for row in run_suite("telemetry")}
    assert units == {"calls/s", "calls/CPU-s", "x of landing alone"}
