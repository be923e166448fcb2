from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurize.portable import sessionise

ADDED = ("session_number", "step_index", "starts_after_call_id", "gap_s")


def requests(*rows: tuple[str, float, float | None]) -> pl.LazyFrame:
    """Client, second of the request, duration."""
    return pl.LazyFrame(
        {
            "call_id": [f"c{number}" for number in range(len(rows))],
            "client_id": [client for client, _, _ in rows],
            "requested_us": [round(at_s * 1e6) for _, at_s, _ in rows],
            "duration_s": [duration_s for _, _, duration_s in rows],
        },
        schema_overrides={"client_id": pl.String, "requested_us": pl.Int64, "duration_s": pl.Float64},
    )


def cut(calls: pl.LazyFrame, gap_limit_s: float) -> dict[str, list[Any]]:
    return sessionise(calls, gap_limit_s=gap_limit_s).sort("call_id").collect().to_dict(as_series=False)


def test_clients_are_cut_where_they_pause_as_computed_by_hand() -> None:
    calls = requests(("a", 0, 5), ("b", 1, None), ("a", 35, 10), ("a", 76, 1), ("b", 31, 2), ("a", 70, None))
    found = cut(calls, gap_limit_s=30.0)
    assert found["session_number"] == [0, 0, 0, 0, 0, 0]
    assert found["step_index"] == [0, 0, 1, 3, 1, 2]
    assert found["starts_after_call_id"] == [None, None, "c0", "c5", "c1", "c2"]
    assert found["gap_s"] == [None, None, 30.0, 6.0, 30.0, 25.0]
    shorter = cut(calls, gap_limit_s=29.9)
    assert shorter["session_number"] == [0, 0, 1, 1, 1, 1]
    assert shorter["starts_after_call_id"] == [None, None, None, "c5", None, "c2"]


def test_calls_side_by_side_have_no_gap_and_stay_in_one_session() -> None:
    found = cut(requests(("a", 0, 100), ("a", 1, 1), ("a", 1, 1)), gap_limit_s=10.0)
    assert found["session_number"] == [0, 0, 0]
    assert found["gap_s"] == [None, 0.0, 0.0]


calls_of_clients = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 300), st.sampled_from([None, 0.0, 7.5])), max_size=20
).map(lambda rows: requests(*rows))


@given(calls_of_clients, st.sampled_from([0.0, 5.0, 60.0]))
def test_a_session_holds_no_pause_over_the_limit_and_ends_at_one(calls: pl.LazyFrame, limit_s: float) -> None:
    found = sessionise(calls, gap_limit_s=limit_s).collect()
    assert len(found) == len(calls.collect())
    assert found["gap_s"].drop_nulls().le(limit_s).all()
    ordered = found.sort("client_id", "requested_us", "call_id").with_columns(
        end_us=pl.col("requested_us") + (pl.col("duration_s").fill_null(0.0) * 1e6).cast(pl.Int64)
    )
    idle_s = (pl.col("requested_us") - pl.col("end_us").shift(1)) / 1e6
    new = ordered.filter(pl.col("client_id") == pl.col("client_id").shift(1), pl.col("step_index") == 0)
    assert (
        new.is_empty()
        or ordered.select(
            pl.when((pl.col("client_id") == pl.col("client_id").shift(1)) & (pl.col("step_index") == 0))
            .then(idle_s)
            .min()
        ).item()
        > limit_s
    )


@given(calls_of_clients)
def test_steps_of_a_session_count_from_zero_and_follow_one_another(calls: pl.LazyFrame) -> None:
    found = sessionise(calls, gap_limit_s=30.0).collect().sort("client_id", "session_number", "step_index")
    for _, session in found.group_by("client_id", "session_number", maintain_order=True):
        assert session["step_index"].to_list() == list(range(len(session)))
        assert session["starts_after_call_id"].to_list() == [None, *session["call_id"].to_list()[:-1]]
    for _, client in found.group_by("client_id"):
        assert sorted(client["session_number"].unique()) == list(range(client["session_number"].n_unique()))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    calls = requests(*((client, at_s * 7.0, 1.0) for client in "abc" for at_s in range(20)))
    mixed = calls.collect().sample(fraction=1.0, shuffle=True, seed=seed).lazy()
    assert cut(mixed, 6.5) == cut(calls, 6.5)
    assert set(cut(calls, 6.5)) >= set(ADDED)
