"""The suites by name; each measures one promise and says what it is held against."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import polars as pl

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.serving import Scheduler, StepTimer, decode_states, replay, replay_demand, step_cost_tables
from hwmodel.timing import time_kernels
from pipelines.errors import BadInput
from pipelines.policy import serving_policy
from telemetry_sim import SimulationSettings, simulate_day
from warehouse.contracts import DemandCalls, ModelCalls
from warehouse.lake import Lake

DESIGNS_COUNT = 1000
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One measurement: the rate, and what it is held against."""

    suite: str
    case: str
    value: float
    unit: str
    against: str
    against_value: float | None
    """Rate of the rival or limit in the same unit; None where there is none in this process."""


def run_suite(name: str) -> list[BenchRow]:
    """Measure one suite, or all of them.

    Raises:
        BadInput: No such suite.
    """
    if name == "all":
        return [row for suite in SUITES.values() for row in suite()]
    if name not in SUITES:
        raise BadInput(f"no benchmark suite {name[:40]!r}; there are: {', '.join(SUITES)}, all")
    return SUITES[name]()


def telemetry() -> list[BenchRow]:
    """Calls generated per CPU second, against writing the same frame as Parquet with no generation."""
    settings = SimulationSettings(calls_per_day=300_000)
    simulate_day(replace(settings, calls_per_day=2_000), settings.first_day)
    seconds, day = _timed(lambda: simulate_day(settings, settings.first_day))
    with TemporaryDirectory() as folder:
        writing, _ = _timed(lambda: day.model_calls.write_parquet(Path(folder) / "calls.parquet"))
    calls = len(day.model_calls)
    return [_row("telemetry", f"{calls:,} calls", calls / seconds, "calls/CPU-s", "write_parquet", calls / writing)]


def lake() -> list[BenchRow]:
    """Rows landed per CPU second, against bare Parquet."""
    settings = SimulationSettings(calls_per_day=300_000)
    calls = simulate_day(settings, settings.first_day).model_calls
    with TemporaryDirectory() as folder:
        store = Lake.open(Path(folder) / "home")
        part = {"day": settings.first_day}
        store.replace("model_calls", calls.head(1), schema=ModelCalls, partition=part)
        landing, _ = _timed(lambda: store.replace("model_calls", calls, schema=ModelCalls, partition=part))
        writing, _ = _timed(lambda: calls.write_parquet(Path(folder) / "calls.parquet"))
        store.close()
    rows = len(calls)
    return [_row("lake", f"{rows:,} rows", rows / landing, "rows/CPU-s", "write_parquet", rows / writing)]


def timing_speed() -> list[BenchRow]:
    """Kernel evaluations per CPU second, each the least over all tilings and splits; the bar is 500,000."""
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    sequences = 2.0 ** np.arange(0, 11)
    kernels = kernel_inventory(llm, Deployment(tp_count=2), decode_states(sequences, np.full_like(sequences, 4096.0)))
    rng = np.random.default_rng(0)
    designs = DesignTable.of([replace(chip, clock_hz=chip.clock_hz * f) for f in rng.uniform(0.5, 1.5, DESIGNS_COUNT)])
    time_kernels(designs.take(np.arange(2)), kernels)
    seconds, _ = _timed(lambda: time_kernels(designs, kernels))
    case = f"{DESIGNS_COUNT:,} designs x {len(kernels)} kernels"
    rate = DESIGNS_COUNT * len(kernels) / seconds
    return [_row("timing-speed", case, rate, "evaluations/CPU-s", "bar of the silicon work", 5e5)]


def serving_speed() -> list[BenchRow]:
    """Scheduler steps and calls replayed per CPU second; Vidur's loop does about 4,000 steps (published)."""
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    timer = StepTimer(designs=DesignTable.of([chip]), llm=llm, deployment=Deployment(tp_count=2))
    replica = step_cost_tables(timer, scheduler=Scheduler()).replica(0)
    demand = replay_demand(_planted_calls(50_000), serving_policy())
    rows = []
    for counting in (False, True):
        run = partial(replay, demand, replica, replicas_count=8, scheduler=Scheduler(), counting=counting)
        run()
        seconds, found = _timed(run)
        case = "with step bins" if counting else "times only"
        rate = found.steps_count / seconds
        rows.append(_row("serving-speed", case, rate, "steps/CPU-s", "Vidur, published", 4e3))
        rows.append(_row("serving-speed", case, len(demand) / seconds, "calls/CPU-s", "-", None))
    return rows


SUITES: Mapping[str, Callable[[], list[BenchRow]]] = {
    "telemetry": telemetry,
    "lake": lake,
    "timing-speed": timing_speed,
    "serving-speed": serving_speed,
}
"""Suites by the name on the command line."""


def _planted_calls(count: int) -> pl.DataFrame:
    """Chat calls of one LLM, 25 a second."""
    rng = np.random.default_rng(0)
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)
    offsets = np.sort(rng.uniform(0.0, count / 25.0, count))
    frame = pl.DataFrame(
        {
            "call_id": [f"c{i}" for i in range(count)],
            "session_id": [f"s{i}" for i in range(count)],
            "requested_at": [start + timedelta(seconds=float(s)) for s in offsets],
            "input_tokens": rng.integers(200, 6000, count),
            "output_tokens": rng.integers(20, 600, count),
        }
    ).with_columns(
        turn_id=0,
        step_index=0,
        starts_after_call_id=None,
        gap_s=0.0,
        parent_call_id=None,
        shared_prefix_tokens=0,
        image_tokens=0,
        surface=pl.lit("long_context_chat"),
        service_tier=pl.lit("interactive"),
        tenant_id=pl.lit("t"),
        llm=pl.lit("gpt-oss-120b"),
        patience_class=pl.lit("chat"),
        value_usd_per_token=1e-5,
        paid=True,
        weight_ratio=1.0,
        imputed=False,
        day=pl.lit(start.date()),
    )
    return DemandCalls.validate(frame, cast=True)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _row(suite: str, case: str, value: float, unit: str, against: str, against_value: float | None) -> BenchRow:  # noqa: PLR0917 - one table row
    return BenchRow(suite=suite, case=case, value=value, unit=unit, against=against, against_value=against_value)
