"""A small part of the measurements that goes with a calibration, so that it can be fitted again without the tables."""

from pathlib import Path

import polars as pl

from hwmodel.catalog import Catalog, timed_design_of
from hwmodel.silicon.errors import NoCalibration
from hwmodel.silicon.family import Family
from hwmodel.silicon.splits import few_per_chip
from hwmodel.silicon.stack_models import BEST, with_best
from hwmodel.silicon.truth import Truth

KEPT_PER_CHIP = 8_000
"""Rows of each chip and family that are kept."""
STACKS_PER_CHIP = 6_000
"""Rows of stacks' own times of each chip and family that are kept."""


def save_sample(family: Family, truth: Truth, folder: Path) -> None:
    """Write some of the best times of a family, and some of the stacks' own beside the best of the same shape."""
    chosen = truth.best[few_per_chip(truth.best, (), KEPT_PER_CHIP)].drop("bucket")
    small = chosen.with_columns(pl.col("latency_s").cast(pl.Float32))
    small.write_parquet(_path(family, folder), compression="zstd", compression_level=19)
    if truth.own.is_empty():
        return
    own = with_best(family, truth)
    kept = (
        own[few_per_chip(own, (), STACKS_PER_CHIP)]
        .drop("bucket")
        .with_columns(pl.col("latency_s", BEST).cast(pl.Float32))
    )
    kept.write_parquet(_stacks_path(family, folder), compression="zstd", compression_level=19)


def load_sample(family: Family, folder: Path, catalog: Catalog) -> Truth:
    """The kept measurements of a family.

    Raises:
        NoCalibration: None were kept.
    """
    try:
        rows = pl.read_parquet(_path(family, folder))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise NoCalibration(f"{folder}: no measured sample of {family.name}; run `scoville calibrate`") from error
    best = rows.with_columns(pl.col("latency_s").cast(pl.Float64), bucket=family.bucket)
    chips = {name: timed_design_of(catalog.chip(name)) for name in sorted(best["chip"].unique().to_list())}
    return Truth(chips=chips, best=best, own=_own(family, folder, best), impossible=best.clear(), lone_count=0)


def _own(family: Family, folder: Path, best: pl.DataFrame) -> pl.DataFrame:
    """The stacks' own times; none where none were kept."""
    path = _stacks_path(family, folder)
    if not path.exists():
        return best.clear()
    try:
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise NoCalibration(f"{path}: cannot be read; run `scoville calibrate`") from error
    return rows.with_columns(pl.col("latency_s", BEST).cast(pl.Float64), bucket=family.bucket)


def _stacks_path(family: Family, folder: Path) -> Path:
    return folder / f"sample_stacks_{family.name}.parquet"


def _path(family: Family, folder: Path) -> Path:
    return folder / f"sample_{family.name}.parquet"
