from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.bench import SUITES
from pipelines.bench import featurize as suite
from pipelines.bench.featurize_child import BY_DAY, INPUTS, WHOLE, day_patterns
from pipelines.bench.featurize_data import copy_of_day, write_days
from pipelines.bench.featurize_sql import QUERIES
from pipelines.errors import BadInput


def answers(folder: Path, **frames: pl.DataFrame) -> None:
    for engine, frame in frames.items():
        out = suite.answer_folder(folder, engine, "context_growth")
        out.mkdir(exist_ok=True)
        frame.write_parquet(out / "part-000.parquet")


def growth(**changes: object) -> pl.DataFrame:
    row = {"surface": "api_burst", "step_order": 0, "day": date(2026, 6, 1), "call_count": 7, "input_p50_tokens": 0.3}
    return pl.DataFrame([row | changes], schema_overrides={"input_p50_tokens": pl.Float64})


def test_every_question_has_a_function_a_query_and_a_key() -> None:
    assert set(QUERIES) == set(INPUTS) == set(suite.KEYS)
    assert SUITES["featurize"] is suite.featurize


def test_answers_that_agree_within_rounding_pass(tmp_path: Path) -> None:
    answers(tmp_path, ours=growth(), duckdb=growth(input_p50_tokens=0.1 + 0.2))
    suite.require_same_answers("context_growth", tmp_path)


@pytest.mark.parametrize(
    ("other", "column"),
    [
        (growth(call_count=8), "call_count"),
        (growth(input_p50_tokens=0.3001), "input_p50_tokens"),
        (growth(input_p50_tokens=None), "input_p50_tokens"),
        (growth(step_order=1), "rows"),
        (pl.concat([growth(), growth(step_order=1)]), "rows"),
    ],
)
def test_a_planted_difference_is_refused_by_name(other: pl.DataFrame, column: str, tmp_path: Path) -> None:
    answers(tmp_path, ours=growth(), duckdb=other)
    with pytest.raises(suite.DifferentAnswers, match=column):
        suite.require_same_answers("context_growth", tmp_path)


def test_a_copy_of_a_day_is_a_day_later_with_ids_of_its_own() -> None:
    frame = pl.DataFrame({"call_id": ["a"], "tenant_id": ["t"], "requested_at": [datetime(2026, 6, 1, tzinfo=UTC)]})
    copy = copy_of_day(frame, 2)
    assert copy.row(0) == ("a~2", "t", datetime(2026, 6, 3, tzinfo=UTC))


def test_files_are_read_a_day_at_a_time_or_all_at_once(tmp_path: Path) -> None:
    for name in ("calls-000", "calls-001", "tools-000"):
        (tmp_path / f"{name}.parquet").touch()
    assert day_patterns(tmp_path, by_day=True) == ["000", "001"]
    assert day_patterns(tmp_path, by_day=False) == ["*"]


def test_ours_is_held_against_the_faster_way_of_the_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    wall_s = {("ours", BY_DAY): 3.0, ("duckdb", WHOLE): 4.0, ("duckdb", BY_DAY): 2.0}
    monkeypatch.setattr(suite, "QUERIES", {"workload_mix": ""})
    monkeypatch.setattr(suite, "write_days", lambda *_, **__: 1_000_000)
    monkeypatch.setattr(suite, "require_same_answers", lambda *_: None)

    def measured(engine: str, _feature: str, way: str, _folder: Path) -> suite.Measured:
        return suite.Measured(wall_s=wall_s[engine, way], cpu_s=1.0, peak_bytes=7e9)

    monkeypatch.setattr(suite, "measure", measured)
    wall, *_, limit = suite.featurize()
    assert (wall.value, wall.against_value, wall.against) == (3.0, 2.0, "DuckDB SQL, a day at a time")
    assert (limit.value, limit.against_value) == (7.0, 6.0)


def test_without_duckdb_the_suite_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match="extra `dev`"):
        suite.featurize()


@pytest.mark.slow
def test_functions_and_sql_agree_on_small_days(tmp_path: Path) -> None:
    assert write_days(tmp_path, calls_per_day=20_000, days_count=2) > 20_000
    for feature in QUERIES:
        for engine in ("ours", "duckdb"):
            assert suite.measure(engine, feature, BY_DAY, tmp_path).peak_bytes > 0
        suite.require_same_answers(feature, tmp_path)
