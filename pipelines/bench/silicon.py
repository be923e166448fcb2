"""The suites `timing-speed` and `serving-speed`: how fast kernels are timed and demand is replayed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.serving import Scheduler, StepTimer, decode_states, replay, replay_demand, step_cost_tables
from hwmodel.timing import time_kernels
from pipelines.bench.rows import BenchRow, spent
from pipelines.policy import serving_policy
from warehouse.contracts import DemandCalls

DESIGNS_COUNT = 1000


def timing_speed(*, full: bool = False) -> list[BenchRow]:  # noqa: ARG001 - nothing here takes long
    """Kernel evaluations per CPU second, each the least over all tilings and splits; the bar is 500,000."""
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    sequences = 2.0 ** np.arange(0, 11)
    kernels = kernel_inventory(llm, Deployment(tp_count=2), decode_states(sequences, np.full_like(sequences, 4096.0)))
    rng = np.random.default_rng(0)
    designs = DesignTable.of([replace(chip, clock_hz=chip.clock_hz * f) for f in rng.uniform(0.5, 1.5, DESIGNS_COUNT)])
    time_kernels(designs.take(np.arange(2)), kernels)
    took, _ = spent(lambda: time_kernels(designs, kernels))
    case = f"{DESIGNS_COUNT:,} designs x {len(kernels)} kernels"
    rate = DESIGNS_COUNT * len(kernels) / took.cpu_s
    return [_row("timing-speed", case, rate, "evaluations/CPU-s", "bar of the silicon work", 5e5)]


def serving_speed(*, full: bool = False) -> list[BenchRow]:  # noqa: ARG001 - nothing here takes long
    """Scheduler steps and calls replayed per CPU second; Vidur's loop does about 4,000 steps (published)."""
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    timer = StepTimer(designs=DesignTable.of([chip]), llm=llm, deployment=Deployment(tp_count=2))
    replica = step_cost_tables(timer, scheduler=Scheduler()).replica(0)
    demand = replay_demand(_planted_calls(50_000), serving_policy())
    rows = []
    for counting in (False, True):
        run = partial(replay, demand, replica, replicas_count=8, scheduler=Scheduler(), counting=counting)
        run()
        took, found = spent(run)
        case = "with step bins" if counting else "times only"
        rate = found.steps_count / took.cpu_s
        rows.append(_row("serving-speed", case, rate, "steps/CPU-s", "Vidur, published", 4e3))
        rows.append(_row("serving-speed", case, len(demand) / took.cpu_s, "calls/CPU-s", "-", None))
    return rows


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


def _row(suite: str, case: str, value: float, unit: str, against: str, against_value: float | None) -> BenchRow:  # noqa: PLR0917 - one table row
    return BenchRow(suite=suite, case=case, value=value, unit=unit, against=against, against_value=against_value)
