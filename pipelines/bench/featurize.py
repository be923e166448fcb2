"""The feature suite: seconds and memory of each feature over Parquet files, beside DuckDB SQL with the same answers.

Ours goes a day at a time, as the assets do. DuckDB is asked both so and of all days at once, and ours is held against
the faster.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.bench.featurize_child import BY_DAY, WHOLE
from pipelines.bench.featurize_data import write_days
from pipelines.bench.featurize_sql import QUERIES
from pipelines.bench.rows import BenchRow
from pipelines.errors import BadInput

CALLS_PER_DAY = 1_070_000
"""Asked of the simulator; what falls on the day itself is about a million."""

DAYS_COUNT, FULL_DAYS_COUNT = 2, 20
MOST_BYTES = 6e9
"""Memory that a feature may take over 20 million calls."""

RELATIVE_ERROR = 1e-9
"""Sums run in another order, and interpolation rounds differently; nothing else may differ."""

KEYS: dict[str, tuple[str, ...]] = {
    "session_features": ("session_id",),
    "wait_profile": ("surface", "phase", "context_band", "wait", "day"),
    "stall_profile": ("surface", "cause", "day"),
    "abandonment_curve": ("surface", "wait_low_s", "day"),
    "context_growth": ("surface", "step_order", "day"),
    "workload_mix": ("surface", "day"),
    "prefix_reuse": ("surface", "idle_low_s", "is_model_switch", "day"),
    "demand_calls": ("call_id",),
}
"""What makes a row of each answer."""


WAYS_OF_DUCKDB: dict[str, tuple[str, ...]] = {"demand_calls": (BY_DAY,)}
"""Ways that DuckDB is asked, where not both: it sorts and holds every row of the demand of all days."""

CHILD = Path(__file__).with_name("featurize_child.py")


class DifferentAnswers(BadInput):
    """Ours and DuckDB's answers differ: the comparison of their times would mean nothing."""


COMPLETED = frozenset({"input_tokens", "output_tokens", "shared_prefix_tokens"})
"""Columns of `demand_calls` that ours completes and SQL does not: compared where nothing was completed."""

DRAWN = "paid"
"""Drawn by ours where no session tells it, and null in the SQL: compared where the SQL tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one process took."""

    wall_s: float
    cpu_s: float
    peak_bytes: float


def featurize(*, full: bool = False) -> list[BenchRow]:
    """Time every feature and its SQL, one process after another, and hold their answers against each other.

    Args:
        full: 20 million calls instead of 2 million.

    Raises:
        BadInput: DuckDB is not installed, or a process failed.
        DifferentAnswers: SQL and function disagree.
    """
    if find_spec("duckdb") is None:
        raise BadInput("the featurize suite races DuckDB, which is not installed: install the extra `dev`")
    with TemporaryDirectory() as name:
        folder = Path(name)
        days_count = FULL_DAYS_COUNT if full else DAYS_COUNT
        calls_count = write_days(folder, calls_per_day=CALLS_PER_DAY, days_count=days_count)
        return [row for feature in QUERIES for row in _race(feature, folder, calls_count)]


def _race(feature: str, folder: Path, calls_count: int) -> list[BenchRow]:
    ours = measure("ours", feature, BY_DAY, folder)
    ways = {}
    for way in WAYS_OF_DUCKDB.get(feature, (WHOLE, BY_DAY)):
        ways[way] = measure("duckdb", feature, way, folder)
        require_same_answers(feature, folder)
    way, rival = min(ways.items(), key=lambda asked: asked[1].wall_s)
    name, case = f"DuckDB SQL, {way}", f"{feature}, {calls_count / 1e6:.1f} M calls"
    measured = (
        ("wall", "s", name, ours.wall_s, rival.wall_s),
        ("CPU", "CPU-s", name, ours.cpu_s, rival.cpu_s),
        ("peak memory", "GB", name, ours.peak_bytes / 1e9, rival.peak_bytes / 1e9),
        ("peak memory of the limit", "GB", "limit", ours.peak_bytes / 1e9, MOST_BYTES / 1e9),
    )
    return [
        BenchRow(
            suite="featurize",
            case=f"{case}, {what}",
            value=value,
            unit=unit,
            against=against,
            against_value=against_value,
        )
        for what, unit, against, value, against_value in measured
    ]


def measure(engine: str, feature: str, way: str, folder: Path) -> Measured:
    """Run one feature by one engine in a process of its own; its last answer stays in the folder."""
    out = answer_folder(folder, engine, feature)
    rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [sys.executable, "-P", str(CHILD), engine, feature, way, str(folder), str(out)]
    done = subprocess.run(  # noqa: S603 - our own file
        command, input=QUERIES[feature], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BadInput(f"{feature} by {engine} failed: {done.stderr.strip()[-400:]}")
    return Measured(**json.loads(done.stdout))


def answer_folder(folder: Path, engine: str, feature: str) -> Path:
    """Where an engine's answer lies."""
    return folder / f"answer-{engine}-{feature}"


def require_same_answers(feature: str, folder: Path) -> None:
    """Every row and every column of the SQL's answer is in ours, within rounding.

    Counts of completed calls are left out of `demand_calls`: SQL completes none.

    Raises:
        DifferentAnswers: they differ.
    """
    ours, rival = (
        pl.scan_parquet(answer_folder(folder, engine, feature) / "*.parquet") for engine in ("ours", "duckdb")
    )
    keys = KEYS[feature]
    words = [name for name, dtype in ours.collect_schema().items() if isinstance(dtype, pl.Enum | pl.Categorical)]
    columns = rival.collect_schema().names()
    left = ours.select(columns).with_columns(pl.col(name).cast(pl.String) for name in words if name in columns)
    right = rival.with_columns(pl.col(name).cast(pl.String) for name in words if name in columns)
    both = left.join(right, on=keys, how="full", nulls_equal=True, suffix=" of rival", coalesce=False)
    checks = [
        pl.col(keys[0]).is_null().sum().alias("rows"),
        pl.col(f"{keys[0]} of rival").is_null().sum().alias("our rows"),
    ]
    told = ~pl.col("imputed") if feature == "demand_calls" else pl.lit(value=True)
    for name, dtype in left.collect_schema().items():
        if name not in keys:
            is_told = told if name in COMPLETED else pl.lit(value=True)
            is_told = pl.col(f"{name} of rival").is_not_null() if name == DRAWN else is_told
            checks.append((differs(name, is_float=dtype.is_float()) & is_told).sum().alias(name))
    found = both.select(checks).collect(engine="streaming").row(0, named=True)
    wrong = {name: count for name, count in found.items() if count}
    if wrong:
        raise DifferentAnswers(f"{feature}: rows that differ from DuckDB's, by column: {wrong}")


def differs(name: str, *, is_float: bool) -> pl.Expr:
    """Whether a value is not the rival's."""
    ours, rival = pl.col(name), pl.col(f"{name} of rival")
    if not is_float:
        return ours.ne_missing(rival)
    near = (ours - rival).abs() <= RELATIVE_ERROR * pl.max_horizontal(ours.abs(), rival.abs())
    return ~(near.fill_null(value=False) | (ours.is_null() & rival.is_null()))
