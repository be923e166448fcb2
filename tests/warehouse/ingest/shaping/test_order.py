"""Order inside sessions: steps, the call before, the last that had ended, and cached tokens as the least shared."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from warehouse.ingest.shaping.order import after_last_ended, after_previous, cached_as_shared, with_steps

START = datetime(2025, 1, 6, tzinfo=UTC)
CALL = st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.none() | st.integers(0, 10))


def frame(calls: list[tuple[str, int, int | None]]) -> pl.DataFrame:
    rows = [
        {
            "row_number": at,
            "call_id": str(at),
            "session_id": session,
            "requested_at": START + timedelta(seconds=second),
            "duration_s": None if duration is None else float(duration),
        }
        for at, (session, second, duration) in enumerate(calls)
    ]
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "requested_at": pl.Datetime("us", "UTC"),
        "duration_s": pl.Float64,
    }
    return pl.DataFrame(rows, schema_overrides=types)


@given(st.lists(CALL, min_size=1, max_size=12))
def test_steps_count_the_requests_of_a_session_in_order(calls: list[tuple[str, int, int | None]]) -> None:
    stepped = with_steps(frame(calls))
    for _, session in stepped.group_by("session_id", maintain_order=True):
        assert session["step_index"].to_list() == list(range(session.height))
        assert session["requested_at"].is_sorted()


@given(st.lists(CALL, min_size=1, max_size=12))
def test_what_a_call_starts_after_had_ended_and_was_the_last_to_end(calls: list[tuple[str, int, int | None]]) -> None:
    stepped = with_steps(frame(calls))
    told = after_last_ended(stepped)
    assert told.height == len(calls)
    end = {row["call_id"]: row for row in stepped.to_dicts()}
    for row in told.filter(pl.col("starts_after_call_id").is_not_null()).to_dicts():
        before = end[row["starts_after_call_id"]]
        ended = before["requested_at"] + timedelta(seconds=before["duration_s"])
        assert before["session_id"] == row["session_id"]
        assert before["step_index"] < row["step_index"]
        assert row["gap_s"] == (row["requested_at"] - ended).total_seconds() >= 0


def test_the_gap_after_the_call_before_is_unknown_where_its_duration_is() -> None:
    told = after_previous(with_steps(frame([("a", 0, 4), ("a", 10, None), ("a", 12, 1), ("b", 3, 1)])))
    assert told.select("call_id", "starts_after_call_id", "gap_s").rows() == [
        ("0", None, None), ("1", "0", 6.0), ("2", "1", None), ("3", None, None),
    ]  # fmt: skip


def test_cached_tokens_are_shared_with_the_call_before_up_to_what_it_held() -> None:
    counts = pl.DataFrame(
        {
            "call_id": ["0", "1", "2", "3"],
            "session_id": ["a"] * 4,
            "input_tokens": [100, 200, 50, 60],
            "output_tokens": [10, 20, 5, 6],
            "cache_read_tokens": [90, 150, 0, None],
        }
    )
    assert cached_as_shared(counts).select("parent_call_id", "shared_prefix_tokens").rows() == [
        (None, None), ("0", 110), (None, 0), (None, None),
    ]  # fmt: skip
