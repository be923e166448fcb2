"""A small part of the measurements that goes with a calibration, so that it can be fitted again without the tables."""

from pathlib import Path

import polars as pl

from hwmodel.catalog import Catalog, timed_design_of
from hwmodel.silicon.errors import NoCalibration
from hwmodel.silicon.family import Family
from hwmodel.silicon.splits import few_per_chip
from hwmodel.silicon.truth import Truth

KEPT_PER_CHIP = 8_000
"""Rows of each chip and family that are kept."""


def save_sample(family: Family, truth: Truth, folder: Path) -> None:
    """Write some of the best times of a family."""
    chosen = truth.best[few_per_chip(truth.best, (), KEPT_PER_CHIP)].drop("bucket")
    small = chosen.with_columns(pl.col("latency_s").cast(pl.Float32))
    small.write_parquet(_path(family, folder), compression="zstd", compression_level=19)


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
    return Truth(chips=chips, best=best, own=best.clear(), impossible=best.clear(), lone_count=0)


def _path(family: Family, folder: Path) -> Path:
    return folder / f"sample_{family.name}.parquet"
