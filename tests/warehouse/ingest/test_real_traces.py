"""The shared real traces: every row accounted for, and the medians that the files themselves state."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.shared_data import shared_path
from tests.warehouse.ingest.trace_files import counts_add_up
from warehouse.ingest import Ingested, detect_format, ingest

pytestmark = pytest.mark.slow


def real(name_of_format: str, name: str) -> tuple[Ingested, pl.DataFrame]:
    path = shared_path(f"data/traces/{name}.parquet")
    assert detect_format(path) == name_of_format
    result = ingest(name_of_format, path)
    assert counts_add_up(result)
    assert result.quarantine.is_empty()
    return result, pl.read_parquet(path)


def test_the_azure_conversations_keep_every_row_and_their_medians() -> None:
    result, raw = real("azure", "azure_llm_2023_conv_first40min")
    assert result.model_calls.height == raw.height == 14_176
    assert result.model_calls["input_tokens"].sum() == raw["ContextTokens"].sum()
    assert result.model_calls["output_tokens"].median() == raw["GeneratedTokens"].median() == 115
    gaps = result.model_calls["requested_at"].diff().drop_nulls().dt.total_microseconds()
    assert (gaps >= 0).all()
    assert set(result.model_calls["surface"]) == {"long_context_chat"}


def test_the_azure_code_trace_counts_as_api_bursts() -> None:
    result, raw = real("azure", "azure_llm_2023_code")
    assert result.model_calls.height == raw.height == 8_819
    assert set(result.model_calls["surface"]) == {"api_burst"}


def test_the_mooncake_conversations_reuse_the_blocks_that_an_endless_cache_would() -> None:
    result, raw = real("mooncake", "mooncake_fast25_conversation")
    assert result.model_calls.height == raw.height == 12_031
    assert result.model_calls["input_tokens"].median() == raw["input_length"].median() == 6_909
    blocks = raw.select(pl.col("hash_ids").explode())["hash_ids"]
    seen_before = 1 - blocks.n_unique() / len(blocks)  # 36.6 % in research/traces.md
    shared = result.model_calls.select((pl.col("shared_prefix_tokens") + 511) // 512).to_series().sum() / len(blocks)
    assert shared == pytest.approx(seen_before, abs=1e-9)
    assert shared == pytest.approx(0.366, abs=5e-4)


def test_the_claude_code_sessions_keep_the_numbers_of_the_file() -> None:
    result, raw = real("weka", "claude_code_weka_requests")
    calls = result.model_calls
    assert calls.height == raw.height == 33_158
    assert result.sessions.height == 511
    assert calls["input_tokens"].median() == pytest.approx(98_800, abs=50)
    assert calls["output_tokens"].median() == 219
    shared = calls.select(pl.col("shared_prefix_tokens").sum() / pl.col("input_tokens").sum()).item()
    assert shared == pytest.approx(0.961, abs=5e-4)


def test_claude_code_sessions_keep_their_order_and_their_gaps() -> None:
    result, raw = real("weka", "claude_code_weka_requests")
    calls = result.model_calls.with_columns(row=pl.col("call_id").str.split("-").list.last().cast(pl.Int64))
    numbered = raw.with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64))
    mine = calls.join(numbered, on="row", how="inner").filter(pl.col("agent_id").is_null())
    started = result.sessions.select("session_id", "started_at")
    at_s = (pl.col("requested_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    timed = mine.join(started, on="session_id").with_columns(at_s=at_s)
    assert (timed["at_s"] - timed["t"]).abs().max() == 0  # main calls at their own times
    ordered = timed.sort("session_id", "step_index")
    follows = ordered.with_columns(
        before=pl.col("t").shift(1).over("session_id"), seq_before=pl.col("seq").shift(1).over("session_id")
    )
    assert (follows["seq"] > follows["seq_before"].fill_null(-1)).all()
    told = follows.filter(pl.col("before").is_not_null() & pl.col("think_time").is_not_null())
    assert (told["gap_s"] <= told["think_time"]).all()
    assert told.filter(pl.col("gap_s") < pl.col("think_time")).height == 3_119


def test_sub_agents_begin_when_the_call_that_launched_them_ended() -> None:
    result, _ = real("weka", "claude_code_weka_requests")
    firsts = result.model_calls.filter(pl.col("agent_id").is_not_null() & pl.col("parent_call_id").is_null())
    assert firsts.height == 42
    assert firsts.filter(pl.col("gap_s").is_between(0, 1.2)).height == 40


@pytest.mark.parametrize("name", ["azure_llm_2023_conv_first40min"])
def test_the_csv_form_of_the_azure_trace_gives_the_same_calls(tmp_path: Path, name: str) -> None:
    result, raw = real("azure", name)
    raw.with_columns(pl.col("TIMESTAMP").dt.strftime("%Y-%m-%d %H:%M:%S%.6f0")).write_csv(tmp_path / "conv.csv")
    text = ingest("azure", tmp_path / "conv.csv")
    facts = ["requested_at", "input_tokens", "output_tokens"]
    assert text.model_calls.select(facts).equals(result.model_calls.select(facts))


def test_the_json_lines_form_of_the_mooncake_trace_gives_the_same_calls(tmp_path: Path) -> None:
    result, raw = real("mooncake", "mooncake_fast25_conversation")
    raw.write_ndjson(tmp_path / "trace.jsonl")
    text = ingest("mooncake", tmp_path / "trace.jsonl")
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens"]
    assert text.model_calls.select(facts).equals(result.model_calls.select(facts))


def test_a_mooncake_trace_in_seconds_is_refused(tmp_path: Path) -> None:
    _, raw = real("mooncake", "mooncake_fast25_conversation")
    raw.with_columns(pl.col("timestamp") / 1000).write_ndjson(tmp_path / "trace.jsonl")
    from warehouse.ingest import UnreadableTrace

    with pytest.raises(UnreadableTrace, match="looks like seconds"):
        ingest("mooncake", tmp_path / "trace.jsonl")


def test_the_json_form_of_claude_code_sessions_gives_the_same_calls(tmp_path: Path) -> None:
    result, raw = real("weka", "claude_code_weka_requests")
    subs = pl.read_parquet(shared_path("data/traces/claude_code_weka_subagents.parquet"))
    chosen = ["trace_0001", "trace_0010", "trace_0014", "trace_0254"]
    for trace in chosen:
        (tmp_path / f"{trace}.json").write_text(json.dumps(as_json(trace, raw, subs)), encoding="utf-8")
    text = ingest("weka", tmp_path)
    assert counts_add_up(text)
    facts = [
        "turn_id", "step_index", "agent_id", "model", "requested_at", "input_tokens", "output_tokens", "gap_s",
        "shared_prefix_tokens", "ttft_s", "duration_s", "finish_reason",
    ]  # fmt: skip
    same = result.model_calls.filter(pl.col("session_id").str.slice(9).is_in(chosen))
    assert text.model_calls.select(facts).equals(same.select(facts))


def as_json(trace: str, raw: pl.DataFrame, subs: pl.DataFrame) -> dict[str, object]:
    """The source form of a session: block ids spelled out, sub-agents nested in their markers."""

    def calls(agent: str | None) -> list[dict[str, object]]:
        mine = raw.filter(pl.col("trace_id") == trace, pl.col("agent_id").eq_missing(pl.lit(agent, dtype=pl.String)))
        return [
            {
                **{
                    key: row[key]
                    for key in row
                    if not key.startswith("hash_run") and key not in {"trace_id", "agent_id", "family_id"}
                },
                "hash_ids": [
                    i for s, n in zip(row["hash_run_start"], row["hash_run_len"], strict=True) for i in range(s, s + n)
                ],
            }
            for row in mine.sort("seq").to_dicts()
        ]

    entries = calls(None)
    for marker in subs.filter(pl.col("trace_id") == trace).to_dicts():
        entries.append({**marker, "requests": calls(marker["agent_id"])})
    entries.sort(key=lambda entry: entry["seq"])  # type: ignore[arg-type,return-value]
    return {"id": trace, "models": [], "block_size": 64, "hash_id_scope": "local", "requests": entries}
