"""Reads traces of calls: Vidur's CSV and LLMServingSim's workload, told apart by their columns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.errors import BadTrace

LATEST_S = 1e9
"""Three decades: beyond it a clock is not in the unit that the layout says."""
MOST = 1 << 31
"""Tokens, and priorities: more is a mistake."""


@dataclass(frozen=True, slots=True)
class _Layout:
    arrival: str
    prompt: str
    output: str
    ns_per_unit: float


PRIORITY = "priority"
"""Optional in both layouts: whole numbers from 0, the lowest first under the policy priority."""
LAYOUTS = (
    _Layout("arrived_at", "num_prefill_tokens", "num_decode_tokens", NS_PER_S),
    _Layout("arrival_time_ns", "input_toks", "output_toks", 1.0),
)
"""Vidur (arrivals in seconds) and LLMServingSim (in nanoseconds)."""


def read_trace(path: Path, *, arrival_scale: float = 1.0) -> EngineCalls:
    """Calls of a CSV or Parquet file; columns that are not needed, such as token ids, are not read.

    Args:
        path: `*.csv` has a header; everything else is read as Parquet.
        arrival_scale: On arrival times.

    Raises:
        BadTrace: The file cannot be read, has neither layout's columns or no rows, or a row breaks a rule.
    """
    is_csv = path.suffix.lower() == ".csv"
    try:
        scan = pl.scan_csv(path, infer_schema=False) if is_csv else pl.scan_parquet(path)
        columns = scan.collect_schema().names()
        layout = _layout_of(path, columns)
        optional = [PRIORITY] if PRIORITY in columns else []
        rows = scan.select(layout.arrival, layout.prompt, layout.output, *optional).collect()
    except (OSError, PolarsError) as error:
        kind = "CSV" if is_csv else "Parquet"
        raise BadTrace(f"{path} cannot be read as {kind}: {' '.join(str(error).split())}") from None
    if rows.is_empty():
        raise BadTrace(f"{path.name} has no calls")
    numbers = {name: _numbers(path, rows, name) for name in rows.columns}
    arrival_s = numbers[layout.arrival] * (layout.ns_per_unit / NS_PER_S)
    _refuse_rows(path, layout.arrival, ~((arrival_s >= 0) & (arrival_s <= LATEST_S)), rows, "between 0 and 30 years")
    for name, least in ((layout.prompt, 1), (layout.output, 1), *((name, 0) for name in optional)):
        whole = (numbers[name] >= least) & (numbers[name] <= MOST) & (numbers[name] == np.rint(numbers[name]))
        _refuse_rows(path, name, ~whole, rows, f"a whole number of {least} or more")
    return EngineCalls.of(
        start_ns=np.rint(numbers[layout.arrival] * layout.ns_per_unit * arrival_scale).astype(np.int64),
        input_tokens=numbers[layout.prompt].astype(np.int64),
        output_tokens=numbers[layout.output].astype(np.int64),
        priority=numbers[PRIORITY].astype(np.int64) if optional else np.zeros(len(rows), dtype=np.int64),
    )


def _layout_of(path: Path, columns: list[str]) -> _Layout:
    for layout in LAYOUTS:
        if {layout.arrival, layout.prompt, layout.output} <= set(columns):
            return layout
    known = " nor ".join(f"{one.arrival}, {one.prompt}, {one.output}" for one in LAYOUTS)
    raise BadTrace(f"{path.name} has neither {known}; it has {', '.join(columns)}")


def _numbers(path: Path, rows: pl.DataFrame, name: str) -> np.ndarray:
    """A column as numbers.

    Raises:
        BadTrace: A value is missing or no number.
    """
    values = rows[name]
    if not (values.dtype.is_numeric() or values.dtype in {pl.String, pl.Null}):
        raise BadTrace(f"{path.name}: {name} holds {values.dtype}, not numbers")
    if values.dtype == pl.String:
        values = values.str.strip_chars()
    cast = values.cast(pl.Float64, strict=False)
    _refuse_rows(path, name, (cast.is_null() | cast.is_nan()).to_numpy(), rows, "a number")
    return cast.to_numpy()


def _refuse_rows(path: Path, name: str, broken: np.ndarray, rows: pl.DataFrame, rule: str) -> None:
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise BadTrace(f"row {row} of {path.name} (the first is 0): {name} is {rows[name][row]!r} and must be {rule}")
