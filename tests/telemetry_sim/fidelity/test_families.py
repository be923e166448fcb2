"""Session families: sessions that share three identical calls."""

import polars as pl
import pytest

from telemetry_sim.fidelity.families import family_codes, one_session_per_family
from tests.shared_data import shared_path
from tests.telemetry_sim.fidelity.call_frames import calls, session
from warehouse.ingest import ingest

START = [(10, 1), (20, 2), (30, 3), (40, 4)]


def families(frame: pl.DataFrame) -> dict[str, int]:
    return dict(family_codes(frame).iter_rows())


def test_sessions_with_three_identical_calls_are_one_family_also_by_way_of_another() -> None:
    frame = calls(
        *session("a", START, duration_s=1.0),
        *session("b", [*START[:3], (99, 9), (98, 8), (97, 7)], duration_s=1.0),
        *session("c", [(99, 9), (98, 8), (97, 7)], duration_s=1.0),
        *session("d", START[:2], duration_s=1.0),
    )
    found = families(frame)
    assert found["a"] == found["b"] == found["c"] != found["d"]
    assert one_session_per_family(frame)["session_id"].unique().sort().to_list() == ["b", "d"]


def test_calls_that_differ_in_duration_or_tell_none_are_not_identical() -> None:
    one, other = session("a", START, duration_s=1.0), session("b", START, duration_s=2.0)
    assert len(set(families(calls(*one, *other)).values())) == 2
    assert len(set(families(calls(*session("a", START), *session("b", START))).values())) == 2


@pytest.mark.slow
def test_the_families_of_the_shared_sessions_are_those_told_with_them() -> None:
    path = shared_path("data/traces/claude_code_weka_requests.parquet")
    told = pl.read_parquet(path).select("trace_id", "family_id").unique()
    found = family_codes(ingest("weka", path).model_calls).with_columns(trace_id=pl.col("session_id").str.slice(9))
    joined = found.join(told, on="trace_id")
    assert joined.height == 511
    assert (
        joined["family"].n_unique()
        == joined["family_id"].n_unique()
        == joined.select("family", "family_id").n_unique()
        == 497
    )
