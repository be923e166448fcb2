"""Columns made of arrays: ids of fixed width, words, nulls, instants."""

from datetime import UTC, date, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.engine.columns import (
    call_bytes,
    day_offsets,
    gathered,
    instants,
    session_bytes,
    suffixed,
    text,
    tool_bytes,
    words_of,
)

NUMBERS = st.lists(st.integers(0, 36**5 - 1), min_size=1, max_size=20)


@given(clients=NUMBERS)
def test_session_ids_tell_client_and_number_in_base_36_and_sort_like_them(clients: list[int]) -> None:
    client = np.sort(np.asarray(clients))
    ordinal = np.arange(len(clients))
    ids = text(session_bytes("codex-20260602-", client, ordinal)).to_list()
    parts = [name.removeprefix("codex-20260602-").split("-") for name in ids]
    assert [(int(a, 36), int(b, 36)) for a, b in parts] == list(zip(client.tolist(), ordinal.tolist(), strict=True))
    assert ids == sorted(ids)


def test_calls_and_tools_are_named_after_their_session_and_call() -> None:
    sessions = session_bytes("chat-20260602-", np.array([37, 38]), np.array([0, 1]))
    calls = call_bytes(sessions, np.array([0, 0, 1]), np.array([0, 1, 9_999]))
    assert text(calls).to_list() == [
        "chat-20260602-00011-00000-0000",
        "chat-20260602-00011-00000-0001",
        "chat-20260602-00012-00001-9999",
    ]
    assert text(tool_bytes(calls, np.array([1]), np.array([7]))).to_list() == ["chat-20260602-00011-00000-0001-tool07"]
    assert text(suffixed(sessions, "-sub1")).to_list()[0] == "chat-20260602-00011-00000-sub1"


def test_negative_codes_and_places_are_null() -> None:
    assert words_of(("a", "b"), np.array([1, -1, 0])).to_list() == ["b", None, "a"]
    names = text(session_bytes("x-", np.array([1]), np.array([2])))
    assert gathered(names, np.array([-1, -1])).to_list() == [None, None]
    assert gathered(names, np.array([0])).to_list() == ["x-00001-00002"]


def test_an_instant_rounds_to_microseconds_before_it_is_put_on_a_day() -> None:
    last_s = 86_400.0 - 4e-7
    assert day_offsets(np.array([0.0, last_s, 86_399.9, 86_400.0])).tolist() == [0, 1, 0, 1]
    assert instants(np.array([last_s]), date(2026, 6, 2)).to_list() == [datetime(2026, 6, 3, tzinfo=UTC)]
