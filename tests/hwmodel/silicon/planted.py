"""Small tables of matrix products whose true times are planted, and what is fitted to them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from hwmodel.catalog import ChipDesign, load_catalog, timed_design_of
from hwmodel.silicon.calibrate import calibrate
from hwmodel.silicon.calibration import Calibration
from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.families import GEMM
from hwmodel.silicon.family import Family, FittedConstant
from hwmodel.silicon.residual import Learner
from hwmodel.silicon.tables import CHIP_OF_GPU
from hwmodel.silicon.truth import Truth
from hwmodel.timing import FIRST_CONSTANTS

CHIPS = ("a100-sxm-80", "b200-sxm", "h100-sxm", "h200-sxm", "l40s")
PLANTED = replace(FIRST_CONSTANTS, hbm_ratio=0.9, launch_clk=2500.0, matrix_ratio=0.8)
"""How the planted chips really work."""
SMALL = replace(
    GEMM,
    fitted=(
        FittedConstant(name="hbm_ratio", low=0.6, high=0.95),
        FittedConstant(name="launch_clk", low=100.0, high=8000.0),
        FittedConstant(name="matrix_ratio", low=0.6, high=1.0),
    ),
)
"""Products with few constants to find."""
FEW_TREES = Learner(iterations=8, leaves=7, rate=0.3, least_leaf_rows=20)
MODULES = ("calibrate", "calibration", "left_out", "shape_accuracy", "design_change", "stack_models")


def designs(names: Sequence[str] = CHIPS) -> dict[str, ChipDesign]:
    return {name: timed_design_of(load_catalog().chip(name)) for name in names}


def products(names: Sequence[str] = CHIPS, shapes: int = 60, *, dtype: str = "bfloat16", seed: int = 0) -> pl.DataFrame:
    """The same products on every chip: chip, dtype, m, n, k, bucket."""
    rng = np.random.default_rng(seed)
    drawn = {"m": 2 ** rng.integers(0, 14, shapes), **{name: 256 * rng.integers(4, 50, shapes) for name in "nk"}}
    shape = pl.DataFrame({"dtype": [dtype] * shapes} | drawn).unique(maintain_order=True)
    frame = pl.DataFrame({"chip": list(names)}).join(shape, how="cross")
    return frame.with_columns(bucket=GEMM.bucket)


def timed(rows: pl.DataFrame, factors: Mapping[str, float] | None = None) -> pl.DataFrame:
    """The rows with their planted times, those of some chips times a factor."""
    chips = designs(rows["chip"].unique().sort().to_list())
    latency_s = CallSheet(rows, GEMM.calls(rows), chips).latency_s(PLANTED)
    factor = rows["chip"].replace_strict(dict(factors or {}), default=1.0, return_dtype=pl.Float64)
    return rows.with_columns(latency_s=pl.Series(latency_s) * factor)


def mean_error(predicted: pl.Series, measured: pl.Series) -> float:
    """Mean of |predicted / measured - 1|."""
    return float(np.abs(predicted.to_numpy() / measured.to_numpy() - 1.0).mean())


def truth(rows: pl.DataFrame) -> Truth:
    """Timed rows as the truth of a family."""
    best = rows.sort("chip", *GEMM.keys)
    empty = best.clear()
    names = best["chip"].unique().sort().to_list()
    return Truth(chips=designs(names), best=best, own=empty, impossible=empty, lone_count=0)


def write_tables(rows: pl.DataFrame, folder: Path) -> None:
    """Timed rows as two stacks measured them, the second slower by a tenth; one file per chip."""
    gpu_of = {chip: gpu for gpu, chip in CHIP_OF_GPU.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for (chip,), here in rows.partition_by("chip", as_dict=True).items():
        stacks = [
            here.select(
                *GEMM.keys,
                gpu=pl.lit(gpu_of[str(chip)]),
                backend=pl.lit(backend),
                kernel=pl.lit("gemm"),
                timing=pl.lit("cuda_graph"),
                latency_us=pl.col("latency_s") * 1e6 * slow,
            )
            for backend, slow in (("one", 1.0), ("other", 1.1))
        ]
        pl.concat(stacks).write_parquet(folder / f"gemm_{gpu_of[str(chip)]}.parquet")


def make_fits_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few trees and few evaluations everywhere, and each fit on one thread."""
    for module in MODULES:
        for learner in ("SEEN_CHIPS", "UNSEEN_CHIPS", "OWN_TIMES", "LONGER"):
            monkeypatch.setattr(f"hwmodel.silicon.{module}.{learner}", FEW_TREES, raising=False)
    alone = partial(ThreadPoolExecutor, initializer=partial(threadpool_limits, limits=1))
    monkeypatch.setattr("hwmodel.silicon.left_out.ThreadPoolExecutor", alone)
    monkeypatch.setattr("hwmodel.silicon.left_out.EVALUATIONS", 45)


@cache
def calibrated() -> tuple[Calibration, Truth]:
    """A calibration of `SMALL` to planted tables, and their truth."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as monkeypatch:
        folder = Path(name)
        write_tables(timed(products(shapes=110)), folder)
        make_fits_small(monkeypatch)
        families: tuple[Family, ...] = (SMALL,)
        told: list[str] = []
        fitted, truths = calibrate(folder, load_catalog(), families, source="planted", told=told.append)
    assert len(told) == 1
    return fitted, truths["gemm"]
