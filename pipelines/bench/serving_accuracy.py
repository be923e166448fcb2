"""The suite `serving-accuracy`: times of whole serving runs, predicted beside measured and published."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from hwmodel.serving.accuracy import (
    PIPEWEAVE_FILE,
    RUNS_FILE,
    data_parallel_rows,
    data_parallel_run_rows,
    first_result_rows,
    pipeweave_rows,
    predicted,
    published_rows,
    run_rows,
    used_rows,
    with_fitted,
)
from pipelines.errors import BadInput

Told = Callable[[str], None]
Rows = list[dict[str, Any]]


def serving_accuracy(data: Path, told: Told) -> Rows:
    """Errors on every table that the folder holds, then the published points.

    Raises:
        BadInput: The folder holds no table of serving runs.
    """
    runs, pipeweave = found(data, RUNS_FILE), found(data, PIPEWEAVE_FILE)
    if runs is None and pipeweave is None:
        raise BadInput(f"{data} holds neither {RUNS_FILE} nor {PIPEWEAVE_FILE}; name the folder that does with --data")
    rows: Rows = [] if runs is None else measured_runs(runs, told)
    if pipeweave is not None:
        rows += pipeweave_runs(pipeweave, told)
    told("published points: each is searched over parallelism and concurrency")
    rows += [asdict(row) for row in published_rows()]
    told("Jalapeño: numbers that are not public stand in as estimates, halved and doubled (--allow-estimates)")
    return rows + [asdict(row) for row in first_result_rows()]


def measured_runs(path: Path, told: Told) -> Rows:
    """Errors on NVIDIA's measured runs."""
    table = pl.read_parquet(path)
    used = used_rows(table)
    told(f"{len(table):,} measured runs; left out, in this order:")
    for rule, count in used.left_out.items():
        told(f"  {count:>6,}  {rule}")
    rows, refused = predicted(used.rows, told)
    for reason, count in refused.items():
        told(f"  {count:>6,}  {reason}")
    told(f"{len(rows):,} rows scored")
    by_data, _ = predicted(data_parallel_rows(table), told)
    told(f"{len(by_data):,} rows with attention divided by data, scored apart")
    return [asdict(row) for row in (*run_rows(with_fitted(rows)), *data_parallel_run_rows(with_fitted(by_data)))]


def pipeweave_runs(path: Path, told: Told) -> Rows:
    """Errors on PipeWeave's measured runs."""
    table = pl.read_parquet(path)
    rows, left_out = pipeweave_rows(table)
    told(f"{len(table):,} measurements of PipeWeave; repeats count as one run")
    for reason, count in left_out.items():
        told(f"  {count:>6,}  {reason}")
    return [asdict(row) for row in rows]


def found(data: Path, name: Path) -> Path | None:
    """A table in the folder, or beside it without the first part of its name; None where it is absent."""
    return next((path for path in (data / name, data / Path(*name.parts[1:])) if path.exists()), None)
