"""Tables that look back come with their rows or with why they have none."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import featurize
from featurize.drift.features import SESSION_FEATURES
from pipelines.exploration.lineage.history import NEEDED, TABLES_AS_OF_A_DAY, history_of, reason
from pipelines.resources import LakeResource
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = [date(2026, 6, number) for number in range(1, 8)]


def test_the_reason_names_the_days_that_are_needed_and_those_that_are_there() -> None:
    assert reason("context_trend", 3) == "it takes 7 days of telemetry, and there are 3"
    assert reason("emerging_workloads", 1) == "it takes 6 days of telemetry, and there is 1"
    assert "working day or weekend" in reason("workload_drift", 40)


@pytest.mark.parametrize("table", sorted(NEEDED))
def test_a_day_fewer_than_needed_is_what_featurize_refuses(table: str) -> None:
    feature: Callable[[list[date]], object] = {
        "context_trend": lambda days: featurize.context_trend(_mix(days)),
        "emerging_workloads": lambda days: featurize.surface_trends(_mix(days)),
        "workload_drift": lambda days: featurize.workload_drift(_sessions(days), recent_from=days[-1]),
    }[table]
    feature(DAYS[: NEEDED[table].count])
    with pytest.raises(featurize.HistoryTooShortError):
        feature(DAYS[: NEEDED[table].count - 1])


def test_a_lake_without_history_gives_empty_frames_and_reasons(tmp_path: Path) -> None:
    with LakeResource(home=str(tmp_path)).opened("synthetic") as lake:
        history = history_of(lake, DAYS[:2])
    assert set(history.frames) == set(TABLES_AS_OF_A_DAY)
    assert all(frame.is_empty() for frame in history.frames.values())
    assert set(history.lacking) == set(NEEDED)
    assert "words" in history.frames["workload_drift"].columns


def _mix(days: list[date]) -> pl.LazyFrame:
    rows = TABLES["workload_mix"].schema.sample(len(days))
    same = {"surface": "codex_loop", "session_count": 500, "input_p50_tokens": 1000.0, "input_p90_tokens": 2000.0}
    return rows.with_columns(pl.Series("day", days), *(_literal(rows, *item) for item in same.items())).lazy()


def _sessions(days: list[date]) -> pl.LazyFrame:
    rows = TABLES["session_features"].schema.sample(len(days) * 100)
    same = {"surface": "codex_loop", **dict.fromkeys(SESSION_FEATURES, 1)}
    of_days = pl.Series("day", [day for day in days for _ in range(100)])
    return rows.with_columns(of_days, *(_literal(rows, *item) for item in same.items())).lazy()


def _literal(rows: pl.DataFrame, name: str, value: object) -> pl.Expr:
    return pl.lit(value).cast(rows.schema[name]).alias(name)
