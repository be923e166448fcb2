"""Our times of matrix products beside those that LLMCompass and GenZ predict, on the same measured rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import Catalog
from hwmodel.silicon.errors import NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.families.gemm import BUCKET, GEMM
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.model import fit_model
from hwmodel.silicon.residual import SEEN_CHIPS
from hwmodel.silicon.scores import ALL
from hwmodel.silicon.splits import few
from hwmodel.silicon.truth import truth_of
from hwmodel.timing import TimingConstants

Predict = Callable[[pl.DataFrame], Float[np.ndarray, "rows"]]
"""Seconds of each row of a frame with the columns chip, dtype, m, n, k."""

CHIP_OF_DEVICE: Mapping[str, str] = MappingProxyType({"A100_80GB_SXM": "a100-sxm-80", "H100_SXM": "h100-sxm"})
FILES = ("gemm_random_shapes.csv", "gemm_llama70b_shapes.csv")
RIVALS = ("llmcompass", "genz")
"""Each predicts the column `RIVAL_us` of the files; GenZ only that of the second."""
KEYS = ("chip", "m", "n", "k")
MOST_FITTED = 100_000
"""Rows that our correction is learned on, drawn evenly."""
DRAWS = 2000
"""Resamples of the rows behind an interval."""
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRow:
    """Errors of a rival and of ours on the same rows; ratios, not per cent; 90 % bootstrap intervals over rows."""

    rival: str
    chip: str
    bucket: str
    rows: int
    ours_mape: float
    ours_lo: float
    ours_hi: float
    rival_mape: float
    rival_lo: float
    rival_hi: float
    difference_lo: float
    """Ours less the rival's, both on the same resample; below 0, ours is better. So the next."""
    difference_hi: float
    roofline_mape: float


def rival_table(folder: Path) -> pl.DataFrame:
    """What was measured and what rivals predict: chip, dtype, m, n, k, latency_s, roofline_s, one column per rival.

    Args:
        folder: Measured tables, or the folder `rivals` in it.

    Raises:
        NoTables: A file is not there.
        UnreadableTable: A file cannot be read or lacks a column.
        UnknownGpu: A file names a GPU that is not in `CHIP_OF_DEVICE`.
    """
    home = folder / "rivals" if (folder / "rivals").is_dir() else folder
    rows = pl.concat([_file(home / name) for name in FILES])
    return rows.group_by(*KEYS).agg(pl.all().drop_nulls().first()).sort(*KEYS).with_columns(dtype=pl.lit("bfloat16"))


def rival_shapes(folder: Path) -> pl.DataFrame:
    """Every (n, k) of the files, with a measurement or without: what our fit must not see on any chip."""
    return rival_table(folder).select("n", "k").unique().sort("n", "k")


def without_shapes(rows: pl.DataFrame, shapes: pl.DataFrame) -> pl.DataFrame:
    """Rows whose (n, k) is none of the shapes, on all chips."""
    return rows.join(shapes, on=["n", "k"], how="anti", maintain_order="left")


def rival_rows(folder: Path, predict: Predict, *, seed: int = 0) -> list[RivalRow]:
    """Errors per rival, chip and size of m, and over all sizes.

    Args:
        folder: Measured tables, or the folder `rivals` in it.
        predict: Ours; fitted on `without_shapes` of `rival_shapes`.
        seed: Of the resamples.
    """
    measured = rival_table(folder).filter(pl.col("latency_s").is_not_null())
    told = measured.with_columns(ours=pl.Series(predict(measured)), bucket=BUCKET)
    rng = np.random.default_rng(seed)
    return [
        _row(group, rival, chip, bucket, rng)
        for rival in RIVALS
        for chip, bucket, group in _groups(told.filter(pl.col(rival).is_not_null()))
    ]


def rival_comparison(folder: Path, catalog: Catalog, prior: TimingConstants) -> list[RivalRow]:
    """Fit on every measured product but those of the rivals' weight shapes, then compare.

    Args:
        folder: Measured tables, with the folders `kernels_nvidia` and `rivals`.
        catalog: Where the chips are described.
        prior: Constants to start from.

    Raises:
        SiliconError: The tables cannot be used.
    """
    truth = truth_of(GEMM, folder, catalog)
    rows = without_shapes(truth.best, rival_shapes(folder))
    constants = fit_constants(GEMM, rows, truth.chips, prior)
    chosen = rows[few(np.ones(len(rows), dtype=bool), MOST_FITTED)]
    model = fit_model(GEMM, chosen, truth.chips, constants, SEEN_CHIPS, sees_chip=True)
    return rival_rows(folder, lambda told: model.estimate(told, truth.chips).latency_s)


def _file(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise NoTables(f"{path} is not there; name the folder that holds {', '.join(FILES)}")
    try:
        rows = pl.read_csv(path)
        genz = pl.col("genz_us") if "genz_us" in rows.columns else pl.lit(None, dtype=pl.Float64)
        told = rows.select(
            "m",
            "n",
            "k",
            chip=pl.col("device").replace_strict(dict(CHIP_OF_DEVICE), default=None, return_dtype=pl.String),
            device="device",
            latency_s=1e-6 * pl.col("measured_us"),
            roofline_s=1e-6 * pl.col("roofline_us"),
            llmcompass=1e-6 * pl.col("llmcompass_us"),
            genz=1e-6 * genz,
        )
    except pl.exceptions.PolarsError as error:
        raise UnreadableTable(f"{path}: {str(error).splitlines()[0][:200]}") from error
    unknown = told.filter(pl.col("chip").is_null())["device"].unique().sort().to_list()
    if unknown:
        raise UnknownGpu(f"{path}: no chip of the catalogue for {unknown[0]!r}; known: {', '.join(CHIP_OF_DEVICE)}")
    return told.drop("device")


def _groups(told: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    for chip in sorted(told["chip"].unique()):
        of_chip = told.filter(pl.col("chip") == chip)
        yield chip, ALL, of_chip
        for bucket in sorted(of_chip["bucket"].unique()):
            yield chip, bucket, of_chip.filter(pl.col("bucket") == bucket)


def _row(rows: pl.DataFrame, rival: str, chip: str, bucket: str, rng: np.random.Generator) -> RivalRow:
    measured = rows["latency_s"].to_numpy()
    ours, theirs, roofline = (np.abs(rows[name].to_numpy() / measured - 1.0) for name in ("ours", rival, "roofline_s"))
    drawn = rng.integers(0, len(rows), size=(DRAWS, len(rows)))
    ours_drawn, theirs_drawn = ours[drawn].mean(axis=1), theirs[drawn].mean(axis=1)
    ours_lo, ours_hi = np.quantile(ours_drawn, INTERVAL)
    rival_lo, rival_hi = np.quantile(theirs_drawn, INTERVAL)
    difference_lo, difference_hi = np.quantile(ours_drawn - theirs_drawn, INTERVAL)
    return RivalRow(
        rival=rival,
        chip=chip,
        bucket=bucket,
        rows=len(rows),
        ours_mape=float(ours.mean()),
        ours_lo=float(ours_lo),
        ours_hi=float(ours_hi),
        rival_mape=float(theirs.mean()),
        rival_lo=float(rival_lo),
        rival_hi=float(rival_hi),
        difference_lo=float(difference_lo),
        difference_hi=float(difference_hi),
        roofline_mape=float(roofline.mean()),
    )
