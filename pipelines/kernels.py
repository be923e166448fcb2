"""Calibrating kernel times and predicting them from files: what `scoville calibrate` and `scoville kernels` do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.silicon.calibrate import calibrate, left_out_calibration
from hwmodel.silicon.calibration import SHIPPED, load, save
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.predict import Request, family_of, predict
from hwmodel.silicon.sample import load_sample, save_sample
from pipelines.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Kernels of a file on one chip."""

    chip: str
    """Id in the catalogue."""
    source: Path
    """Parquet or CSV with the key columns of one family."""
    target: Path
    """Parquet or CSV to write."""
    allow_estimates: bool = False
    """Let numbers that nobody published stand in."""


def calibrate_to(folder: Path, out: Path, *, source: str, told: Callable[[str], None]) -> None:
    """Fit all families to the tables of a folder and write the calibration with its measured sample.

    Raises:
        SiliconError: The tables cannot be used.
    """
    fitted, truths = calibrate(folder, load_catalog(), FAMILIES, source=source, told=told)
    save(fitted, out)
    for family in FAMILIES:
        save_sample(family, truths[family.name], out)


def predict_file(request: Asked, *, leave_out: Sequence[str] = (), calibration: Path | None = None) -> pl.DataFrame:
    """Time every kernel of a file on a chip and write it with the answers.

    Args:
        request: The chip and the files.
        leave_out: Chips that no fit may have seen; the models are then fitted again to the kept sample.
        calibration: Folder of another calibration than the one that comes with the product.

    Raises:
        BadInput: A file of another kind, or one that cannot be read.
        SiliconError: The columns name no family, or there is no calibration.
        CatalogError: No such chip.
    """
    home, catalog = calibration or SHIPPED, load_catalog()
    rows, target = _read(request.source), request.target
    if target.suffix not in WRITERS:
        raise BadInput(f"{target}: cannot write {target.suffix or 'a file without suffix'}; take .parquet or .csv")
    fitted = load(home)
    if leave_out:
        family = family_of(rows.columns)
        out = frozenset(catalog.chip(name).id for name in leave_out)
        again = left_out_calibration(family, load_sample(family, home, catalog), out)
        fitted = replace(fitted, families={**fitted.families, family.name: again})
    answered = predict(Request(chip=request.chip, rows=rows, allow_estimates=request.allow_estimates), catalog, fitted)
    WRITERS[target.suffix](answered, target)
    return answered


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".csv": lambda frame, path: frame.write_csv(path),
}
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {".parquet": pl.read_parquet, ".csv": pl.read_csv}


def _read(path: Path) -> pl.DataFrame:
    if path.suffix not in READERS:
        raise BadInput(f"{path}: cannot read {path.suffix or 'a file without suffix'}; take .parquet or .csv")
    try:
        return READERS[path.suffix](path).with_columns(pl.col(pl.Categorical).cast(pl.String))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{path}: {str(error).splitlines()[0][:200]}") from error
