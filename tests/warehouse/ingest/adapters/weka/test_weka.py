"""The weka adapter: a session worked out by hand, both forms, placement of sub-agents, and refused rows and files."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.ingest.trace_files import (
    GOLDEN_SESSION,
    counts_add_up,
    weka_call,
    weka_file,
    weka_marker,
    weka_session,
)
from warehouse.ingest import Ingested, UnreadableTrace, ingest
from warehouse.ingest.shaping.prefix_tree import runs_of_ids


def parquet_form(folder: Path, session: dict[str, Any], *, prefix: str = "t") -> Path:
    """The session as the shared Parquet files are: requests, sub-agents and traces under one prefix."""
    rows: list[dict[str, Any]] = []
    markers: list[dict[str, Any]] = []
    for seq, request in enumerate(session["requests"]):
        if request["type"] == "subagent":
            markers.append(
                {**{k: v for k, v in request.items() if k != "requests"}, "seq": seq, "trace_id": session["id"]}
            )
            rows += [
                {**call, "agent_id": request["agent_id"], "seq": at} for at, call in enumerate(request["requests"])
            ]
        else:
            rows.append({**request, "agent_id": None, "seq": seq})
    frame = pl.DataFrame([{"ttft": None, **row} for row in rows], infer_schema_length=None)
    runs = runs_of_ids(frame["hash_ids"])
    split = range(frame.height)
    start = [runs.start[runs.offset[at] : runs.offset[at + 1]].tolist() for at in split]
    length = [runs.length[runs.offset[at] : runs.offset[at + 1]].tolist() for at in split]
    requests = frame.drop("hash_ids").with_columns(
        trace_id=pl.lit(session["id"]),
        agent_id=pl.col("agent_id").cast(pl.String),
        hash_run_start=pl.Series(start, dtype=pl.List(pl.Int32)),
        hash_run_len=pl.Series(length, dtype=pl.List(pl.Int32)),
    )
    requests.write_parquet(folder / f"{prefix}_requests.parquet")
    if markers:
        pl.DataFrame(markers).write_parquet(folder / f"{prefix}_subagents.parquet")
    traces = pl.DataFrame({"trace_id": [session["id"]], "block_size": [session["block_size"]]})
    traces.write_parquet(folder / f"{prefix}_traces.parquet")
    return folder / f"{prefix}_requests.parquet"


def table(result: Ingested, *columns: str) -> list[tuple[Any, ...]]:
    """Rows in step order; call ids as row numbers, times as seconds from session start."""
    start = result.sessions["started_at"][0]
    calls = result.model_calls.sort("session_id", "step_index").with_columns(
        pl.col("call_id", "parent_call_id", "starts_after_call_id").str.split("-").list.last().cast(pl.Int64),
        at_s=(pl.col("requested_at") - start).dt.total_milliseconds() / 1000,
    )
    return calls.select(columns).rows()


GOLDEN = [
    # call, agent, turn, at, parent, shared, after, gap
    (1, None, 0, 0.0, None, 0, None, None),
    (2, None, 0, 10.0, 1, 192, 1, 6.0),
    (3, "agent_001", 0, 20.0, None, 0, 2, 8.0),  # began at 40 - 20 s; the call before its marker ended at 12 s
    (4, "agent_001", 0, 25.0, 3, 128, 3, 3.0),
    (5, None, 0, 45.0, 2, 256, 2, 33.0),
    (6, None, 1, 60.0, 5, 128, 5, 15.0),  # think time 40 s counts from an earlier end: capped at 60 - 45 s
    (7, None, 1, 70.0, 5, 320, 6, 8.0),
]
COLUMNS = (
    "call_id", "agent_id", "turn_id", "at_s", "parent_call_id", "shared_prefix_tokens", "starts_after_call_id", "gap_s",
)  # fmt: skip


def test_the_golden_session_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("weka", weka_file(tmp_path, GOLDEN_SESSION))
    assert counts_add_up(result)
    assert result.rows_read == 7
    assert table(result, *COLUMNS) == GOLDEN
    assert table(result, "model", "duration_s", "ttft_s", "finish_reason", "input_tokens") == [
        ("model-a", 4.0, None, "tool_use", 197),
        ("model-a", 2.0, None, "end_turn", 261),
        ("model-b", 2.0, None, "tool_use", 133),
        ("model-b", 2.0, None, "tool_use", 197),
        ("model-a", None, None, None, 325),
        ("model-a", 2.0, 1.5, "tool_use", 197),
        ("model-a", 2.0, None, "tool_use", 389),
    ]
    session = result.sessions.row(0, named=True)
    assert (session["turn_count"], session["call_count"]) == (2, 7)
    assert session["ended_at"] - session["started_at"] == timedelta(seconds=72)
    assert result.model_calls["cache_read_tokens"].null_count() == 7
    assert any("1 sub-agent markers" in note for note in result.notes)
    assert any("1 gaps capped" in note for note in result.notes)


def test_the_parquet_form_gives_the_same_calls_as_the_json(tmp_path: Path) -> None:
    from_parquet = ingest("weka", parquet_form(tmp_path, GOLDEN_SESSION))
    assert counts_add_up(from_parquet)
    assert table(from_parquet, *COLUMNS) == GOLDEN
    from_json = ingest("weka", weka_file(tmp_path, GOLDEN_SESSION))
    facts = [name for name in from_json.model_calls.columns if not name.endswith("_id") and name != "source_id"]
    assert from_parquet.model_calls.select(facts).equals(from_json.model_calls.select(facts))


def test_a_marker_without_duration_is_taken_as_the_begin(tmp_path: Path) -> None:
    session = weka_session([weka_call(0.0, [1]), weka_marker(9.0, None, [weka_call(0.0, [7])])])
    assert table(ingest("weka", weka_file(tmp_path, session)), "at_s", "gap_s") == [(0.0, None), (9.0, 7.0)]


def test_absolute_times_of_nested_calls_are_recognised(tmp_path: Path) -> None:
    session = weka_session([weka_call(0.0, [1]), weka_marker(90.0, 50_000, [weka_call(41.0, [7])])])
    assert [at for (at,) in table(ingest("weka", weka_file(tmp_path, session)), "at_s")] == [0.0, 41.0]


def test_sub_agents_of_sub_agents_name_their_parent_and_keep_the_main_turn(tmp_path: Path) -> None:
    inner = weka_marker(30.0, 10_000, [weka_call(0.0, [9])], agent_id="inner")
    outer = weka_marker(60.0, 50_000, [weka_call(0.0, [7]), inner], agent_id="outer")
    session = weka_session([weka_call(0.0, [1]), weka_call(5.0, [1], input_types=["text"]), outer])
    rows = table(
        ingest("weka", weka_file(tmp_path, session)), "agent_id", "parent_agent_id", "turn_id", "starts_after_call_id"
    )
    assert rows == [(None, None, 0, None), (None, None, 1, 1), ("outer", None, 1, 2), ("inner", "outer", 1, 3)]


def test_sub_agents_nested_in_a_cycle_are_refused(tmp_path: Path) -> None:
    requests: list[Any] = [weka_call(0.0, [1])]
    for depth in range(40):
        requests = [weka_call(0.0, [1]), weka_marker(1.0, None, requests, agent_id=f"a{depth}")]
    result = ingest("weka", weka_file(tmp_path, weka_session(requests)))
    assert counts_add_up(result)
    assert result.quarantine["reason"].to_list() == ["sub-agents nested too deeply"]


def test_a_folder_is_read_in_name_order_and_sessions_start_inside_the_working_day(tmp_path: Path) -> None:
    for number in range(6):
        weka_file(tmp_path, weka_session([weka_call(0.0, [1])], trace_id=f"t{number}"), name=f"trace_{number}.json")
    result = ingest("weka", tmp_path, anchor=date(2025, 1, 6))
    again = ingest("weka", tmp_path, anchor=date(2025, 1, 6))
    assert counts_add_up(result)
    assert result.model_calls.equals(again.model_calls)
    starts = result.sessions["started_at"]
    assert starts.n_unique() == 6
    assert starts.is_between(datetime(2025, 1, 6, 9, tzinfo=UTC), datetime(2025, 1, 6, 18, tzinfo=UTC)).all()


def test_a_session_starts_at_the_same_time_whatever_else_is_in_the_folder(tmp_path: Path) -> None:
    alone = ingest("weka", weka_file(tmp_path, GOLDEN_SESSION)).sessions["started_at"][0]
    weka_file(tmp_path, weka_session([weka_call(0.0, [1])], trace_id="other"), name="trace_0000.json")
    together = ingest("weka", tmp_path).sessions
    assert alone in together["started_at"].to_list()


def test_a_bad_file_of_a_folder_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    weka_file(tmp_path, GOLDEN_SESSION)
    (tmp_path / "trace_0002.json").write_text('{"id": "x", "requests": [', encoding="utf-8")
    (tmp_path / "trace_0003.json").write_bytes(b"\xff\xfe")
    (tmp_path / "trace_0004.json").write_text("[" * 200_000, encoding="utf-8")
    weka_file(tmp_path, GOLDEN_SESSION, name="trace_0005.json")
    result = ingest("weka", tmp_path)
    assert counts_add_up(result)
    assert result.quarantine["row_number"].to_list() == [0, 0, 0, 0]
    assert result.quarantine["source_name"].to_list() == [f"trace_000{n}.json" for n in (2, 3, 4, 5)]
    assert "repeats the trace id" in result.quarantine["reason"][3]


def test_an_empty_file_of_a_folder_refuses_that_file_alone(tmp_path: Path) -> None:
    weka_file(tmp_path, GOLDEN_SESSION)
    (tmp_path / "trace_0002.json").touch()
    result = ingest("weka", tmp_path)
    assert result.model_calls.height == 7
    assert result.quarantine["reason"].to_list() == ["trace_0002.json is empty or cannot be read"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    weka_file(inside, GOLDEN_SESSION)
    (inside / "trace_0002.json").symlink_to(weka_file(outside, weka_session([weka_call(0.0, [1])], trace_id="other")))
    result = ingest("weka", inside)
    assert result.sessions.height == 1
    assert any("trace_0002.json" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"in": -4}, "token_count_not_negative"),
        ({"in": 0}, "input_not_empty"),
        ({"in": 12.5}, "token_count_is_integer"),
        ({"in": "133"}, "token_count_is_integer"),
        ({"out": None}, "token_count_is_integer"),
        ({"in": 64}, "hash_ids_match_length"),
        ({"hash_ids": [1, "x"]}, "hash_ids_are_integers"),
        ({"hash_ids": [1, 10**40]}, "hash_ids_are_integers"),
        ({"hash_ids": [[1], [2, 3]]}, "hash_ids_are_integers"),
        ({"hash_ids": 7}, "hash_ids_are_integers"),
        ({"t": None}, "time_is_plausible"),
        ({"t": "soon"}, "time_is_plausible"),
        ({"t": -1.0}, "time_is_plausible"),
        ({"t": 1e12}, "time_is_plausible"),
        ({"api_time": -2.0}, "duration_is_plausible"),
        ({"think_time": "long"}, "duration_is_plausible"),
        ({"t": 500.0}, "time_goes_forward"),
        ({"t": 1.0}, "time_goes_forward"),
        ({"ttft": 9.0}, "first_token_not_after_last"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    requests = [weka_call(10.0 * at, [1, 2]) for at in range(5)]
    requests[2] = {**requests[2], **changes}
    result = ingest("weka", weka_file(tmp_path, weka_session(requests)))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(3, rule)]
    assert [call for (call,) in table(result, "call_id")] == [1, 2, 4, 5]
    known = set(result.model_calls["call_id"])
    assert set(result.model_calls["starts_after_call_id"].drop_nulls()) <= known
    assert set(result.model_calls["parent_call_id"].drop_nulls()) <= known


@pytest.mark.parametrize("entry", [None, 7, "text", [1], {}])
def test_an_entry_that_is_no_request_goes_to_quarantine(tmp_path: Path, entry: object) -> None:
    result = ingest("weka", weka_file(tmp_path, weka_session([weka_call(0.0, [1]), entry])))
    assert counts_add_up(result)
    assert result.quarantine["row_number"].to_list() == [2]


def test_calls_without_hash_ids_share_an_unknown_number_of_tokens(tmp_path: Path) -> None:
    bare = weka_call(5.0, [1])
    del bare["hash_ids"]
    result = ingest("weka", weka_file(tmp_path, weka_session([weka_call(0.0, [1]), bare, weka_call(9.0, [1, 2])])))
    assert table(result, "parent_call_id", "shared_prefix_tokens") == [(None, 0), (None, None), (1, 64)]


def test_sub_agent_rows_without_a_marker_go_to_quarantine(tmp_path: Path) -> None:
    path = parquet_form(tmp_path, GOLDEN_SESSION)
    (tmp_path / "t_subagents.parquet").unlink()
    result = ingest("weka", path)
    assert counts_add_up(result)
    assert result.quarantine["rule"].to_list() == ["agent_has_marker"] * 2
    assert any("no subagents file" in note for note in result.notes)


def test_a_repeated_row_goes_to_quarantine(tmp_path: Path) -> None:
    path = parquet_form(tmp_path, GOLDEN_SESSION)
    frame = pl.read_parquet(path)
    pl.concat([frame, frame.head(1)]).write_parquet(path)
    result = ingest("weka", path)
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(8, "call_is_unique")]


def test_names_are_kept_as_data_but_capped_and_without_control_characters(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    calls = [
        weka_call(0.0, [1], model=script),
        weka_call(5.0, [1], model="a\x1b[31m\nb" + "y" * 1000),
        weka_call(9.0, [1], model="\ud800"),
    ]
    result = ingest("weka", weka_file(tmp_path, weka_session(calls, trace_id="id\n" + "z" * 500)))
    names = [name for (name,) in table(result, "model")]
    assert names[0] == script
    assert names[1] == "a\ufffd[31m\ufffdb" + "y" * 192
    assert names[2] == "?"
    assert len(result.sessions["session_id"][0]) == 209


def test_what_people_wrote_is_dropped_and_named(tmp_path: Path) -> None:
    calls = [weka_call(0.0, [1], messages=["my secret"]), weka_call(1.0, [1], out=-1, messages=["my secret"])]
    result = ingest("weka", weka_file(tmp_path, weka_session(calls)))
    assert any("messages" in note for note in result.notes)
    assert "secret" not in str(result.quarantine.rows()) + str(result.model_calls.rows())


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '{"a": 1}', json.dumps(weka_session([])), json.dumps(weka_session([weka_call(0, [1], out=-1)]))],
)
def test_a_file_without_one_usable_row_is_refused_as_a_whole(tmp_path: Path, body: str) -> None:
    path = tmp_path / "trace_0001.json"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(UnreadableTrace):
        ingest("weka", path)


def test_a_folder_of_both_forms_or_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="0 JSON files"):
        ingest("weka", tmp_path)
    parquet_form(tmp_path, GOLDEN_SESSION)
    assert ingest("weka", tmp_path).model_calls.height == 7
    weka_file(tmp_path, GOLDEN_SESSION)
    with pytest.raises(UnreadableTrace, match="name one of them"):
        ingest("weka", tmp_path)


def test_a_requests_file_that_lacks_columns_is_refused_by_their_names(tmp_path: Path) -> None:
    path = parquet_form(tmp_path, GOLDEN_SESSION)
    pl.read_parquet(path).drop("out", "hash_run_len").write_parquet(path)
    with pytest.raises(UnreadableTrace, match="lacking for a weka requests file: out, hash_run_len"):
        ingest("weka", path)
