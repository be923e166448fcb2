"""The suite `ingest`: how fast clean traces are read into the contracts, against polars' bare read of the same file."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from pipelines.bench.rows import BenchRow, spent
from warehouse.ingest import ingest as read_trace

ROWS_COUNT = 300_000
FULL_ROWS_COUNT = 2_000_000
BLOCK_TOKENS = 512
FEWEST_ROUNDS = 2
"""The first reading also pays for memory that the second finds ready; the better one is told."""
START = datetime(2023, 11, 16, 18, tzinfo=UTC)


def ingest(*, full: bool = False) -> list[BenchRow]:
    """Rows ingested per CPU second and by the clock: azure CSV and mooncake JSON lines, made on the fly."""
    count = FULL_ROWS_COUNT if full else ROWS_COUNT
    with TemporaryDirectory() as folder:
        azure, mooncake = Path(folder) / "azure.csv", Path(folder) / "mooncake.jsonl"
        _azure_rows(count).write_csv(azure)
        _mooncake_rows(count).write_ndjson(mooncake)
        return [
            *_rates("azure", azure, partial(pl.read_csv, azure), count),
            *_rates("mooncake", mooncake, partial(pl.read_ndjson, mooncake), count),
        ]


def _rates(name: str, path: Path, bare: Callable[[], pl.DataFrame], count: int) -> list[BenchRow]:
    own = [spent(partial(read_trace, name, path))[0] for _ in range(FEWEST_ROUNDS)]
    rival = [spent(bare)[0] for _ in range(FEWEST_ROUNDS)]
    pairs = (("rows/CPU-s", "cpu_s"), ("rows/s", "wall_s"))
    return [
        BenchRow(
            suite="ingest",
            case=f"{name}, {count:,} rows",
            value=count / min(getattr(one, clock) for one in own),
            unit=unit,
            against="polars, read alone",
            against_value=count / min(getattr(one, clock) for one in rival),
        )
        for unit, clock in pairs
    ]


def _azure_rows(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    offsets = pl.Series(np.cumsum(rng.exponential(0.2e6, count)).astype(np.int64))
    return pl.DataFrame(
        {
            "TIMESTAMP": offsets,
            "ContextTokens": rng.integers(10, 8_000, count),
            "GeneratedTokens": rng.integers(1, 800, count),
        }
    ).with_columns(
        (pl.lit(START.replace(tzinfo=None)) + pl.duration(microseconds="TIMESTAMP"))
        .dt.strftime("%Y-%m-%d %H:%M:%S%.6f0")
        .alias("TIMESTAMP")
    )


def _mooncake_rows(count: int) -> pl.DataFrame:
    """Calls shaped like the public conversation trace: 24 blocks on average, a third of them seen before."""
    rng = np.random.default_rng(0)
    blocks = np.minimum(1 + rng.geometric(1 / 23, count), 250)
    shared = np.where(rng.random(count) < 0.6, (blocks * rng.random(count)).astype(np.int64), 0)
    fresh = np.cumsum(blocks) - blocks
    calls: list[list[int]] = []
    for at in range(count):
        held = calls[int(rng.integers(max(0, at - 2_000), at))][: shared[at]] if at and shared[at] else []
        calls.append([*held, *range(int(fresh[at]), int(fresh[at]) + int(blocks[at]) - len(held))])
    step = timedelta(milliseconds=300) / timedelta(milliseconds=1)
    return pl.DataFrame(
        {
            "timestamp": (np.arange(count) * step).astype(np.int64),
            "input_length": pl.Series([len(call) * BLOCK_TOKENS for call in calls]),
            "output_length": rng.integers(1, 800, count),
            "hash_ids": calls,
        }
    )
