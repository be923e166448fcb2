"""The suite `serving-accuracy`: times of whole serving runs, predicted and measured."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from hwmodel.serving.accuracy import RUNS_FILE, predicted, run_rows, used_rows, with_fitted

Told = Callable[[str], None]
Rows = list[dict[str, Any]]


def serving_accuracy(data: Path, told: Told) -> Rows:
    """Errors on every table that the folder holds."""
    runs = found(data, RUNS_FILE)
    return [] if runs is None else measured_runs(runs, told)


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
    return [asdict(row) for row in run_rows(with_fitted(rows))]


def found(data: Path, name: Path) -> Path | None:
    """A table in the folder, or beside it without the folder of the name; None where it is absent."""
    return next((path for path in (data / name, data / Path(*name.parts[1:])) if path.exists()), None)
