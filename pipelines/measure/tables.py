"""From a machine to table files: every kernel of a grid timed, with how it was done beside each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.errors import BadInput, NotOffered
from pipelines.measure.grid import KEYS, Sizes, grid
from pipelines.measure.machine import Machine
from pipelines.measure.timing import Plan, timed

BACKEND = "torch"
TOLD_EVERY = 500
"""Kernels between two words on progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One family's table, and what it lacks."""

    rows: pl.DataFrame
    """gpu, backend, backend_version, kernel, the keys, timing, latency_us (median), p10_us, p90_us, runs_count,
    calls_per_run, l2_flushed, device_kind."""
    refused: tuple[str, ...]
    """Why kernels are missing, one reason for each."""


def measure_to(
    out: Path, machine: Machine, families: Sequence[str], sizes: Sizes, plan: Plan, *, told: Callable[[str], None]
) -> tuple[Path, ...]:
    """Time each family and write it as `FAMILY_GPU_torch.parquet`, which `read_tables` takes beside others.

    A family's file is there once the family is done.

    Raises:
        BadInput: The machine offers no kernel of a family.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for family in families:
        measured = measure(machine, family, sizes, plan, told=told)
        if measured.rows.is_empty():
            reason = measured.refused[0] if measured.refused else "none fits into its memory"
            raise BadInput(f"{machine.gpu} offers no kernel of {family}: {reason}")
        path = out / f"{family}_{machine.gpu}_{BACKEND}.parquet"
        measured.rows.write_parquet(path)
        missing = f", {len(measured.refused):,} not offered: {measured.refused[0]}" if measured.refused else ""
        told(f"{family}: {len(measured.rows):,} kernels in {path}{missing}")
        paths.append(path)
    return tuple(paths)


def measure(machine: Machine, family: str, sizes: Sizes, plan: Plan, *, told: Callable[[str], None]) -> Measured:
    """Time every kernel of a family's grid, by each kernel that the machine offers."""
    shapes = grid(family, sizes, machine.dtypes, machine.memory_bytes)
    rows, refused = [], []
    for position, shape in enumerate(shapes.iter_rows(named=True)):
        for kernel in machine.kernels(family):
            try:
                run = machine.prepared(family, {**shape, "kernel": kernel}, plan.calls_per_run)
                time = timed(machine, run, plan)
            except NotOffered as error:
                refused.append(f"{kernel} of {shape}: {error}")
                continue
            spread = (time.p10_s * 1e6, time.p90_s * 1e6, time.runs_count)
            rows.append((kernel, *shape.values(), time.median_s * 1e6, *spread))
        if (position + 1) % TOLD_EVERY == 0:
            told(f"{family}: {position + 1:,} of {len(shapes):,}")
    times = ("latency_us", "p10_us", "p90_us")
    schema = pl.Schema(
        [
            ("kernel", pl.String()),
            *shapes.schema.items(),
            *((name, pl.Float32()) for name in times),
            ("runs_count", pl.Int32()),
        ]
    )
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    described = frame.select(
        gpu=pl.lit(machine.gpu),
        backend=pl.lit(BACKEND),
        backend_version=pl.lit(machine.library),
        kernel=pl.col("kernel"),
        **{name: pl.col(name) for name in KEYS[family]},
        timing=pl.lit(machine.timing),
        latency_us=pl.col("latency_us"),
        p10_us=pl.col("p10_us"),
        p90_us=pl.col("p90_us"),
        runs_count=pl.col("runs_count"),
        calls_per_run=pl.lit(plan.calls_per_run, dtype=pl.Int32),
        l2_flushed=pl.lit(plan.is_flushed),
        device_kind=pl.lit(machine.device_kind),
    )
    return Measured(rows=described, refused=tuple(refused))
