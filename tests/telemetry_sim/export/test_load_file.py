import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from telemetry_sim import SimulationSettings, simulate_days
from telemetry_sim.export import BLOCK_TOKENS, LoadFormat, LoadWriter
from tests.telemetry_sim.export.load_calls import MIDNIGHT, calls_of
from tests.telemetry_sim.strategies import TUESDAY
from warehouse.ingest import ingest


def written(load_format: LoadFormat, batches: Iterable[pl.DataFrame], origin: datetime = MIDNIGHT) -> bytes:
    file = io.BytesIO()
    writer = LoadWriter(load_format=load_format, origin=origin, file=file)
    for batch in batches:
        writer.write(batch)
    assert file.getvalue().count(b"\n") == writer.line_count
    return file.getvalue()


def lines_of(load_format: LoadFormat, *batches: pl.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(load_format, batches).splitlines()]


@pytest.fixture(scope="module")
def days() -> list[pl.DataFrame]:
    settings = SimulationSettings(seed=1, calls_per_day=6_000, first_day=TUESDAY)
    return [day.model_calls for _, day in simulate_days(settings, 2)]


@pytest.fixture(scope="module")
def sent(days: list[pl.DataFrame]) -> pl.DataFrame:
    """Calls that a server would see, in order of time."""
    calls = pl.concat(days)
    seen = pl.col("status").is_in(["ok", "user_cancel"]) & pl.col("output_tokens").is_not_null()
    return calls.filter(seen).sort("requested_at", maintain_order=True)


@pytest.mark.parametrize("load_format", list(LoadFormat))
def test_batches_of_a_day_and_one_batch_of_all_days_give_the_same_bytes(
    days: list[pl.DataFrame], load_format: LoadFormat
) -> None:
    assert written(load_format, days) == written(load_format, [pl.concat(days)])


def test_our_own_reader_of_mooncake_traces_gives_back_times_lengths_and_shared_prefixes(
    days: list[pl.DataFrame], sent: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "load_mooncake.jsonl"
    path.write_bytes(written(LoadFormat.MOONCAKE, days))
    read = ingest("mooncake", path, anchor=MIDNIGHT.date())
    assert read.quarantine.is_empty()
    back = read.model_calls.sort("requested_at", maintain_order=True)
    assert len(back) == len(sent) > 9_000
    assert back["requested_at"].equals(sent["requested_at"].dt.truncate("1ms"), check_names=False)
    assert back["input_tokens"].equals(sent["input_tokens"], check_names=False)
    assert back["output_tokens"].equals(sent["output_tokens"].clip(1), check_names=False)
    parent = sent.select(call_id="parent_call_id").join(
        sent.select("call_id", parent_tokens="input_tokens"), on="call_id", how="left", maintain_order="left"
    )
    told = pl.min_horizontal(sent["shared_prefix_tokens"], parent["parent_tokens"].fill_null(0))
    whole_blocks = pl.select(told // BLOCK_TOKENS * BLOCK_TOKENS).to_series()
    assert back["shared_prefix_tokens"].equals(whole_blocks, check_names=False)
    assert whole_blocks.to_numpy().sum() > 0.5 * sent["input_tokens"].to_numpy().sum()


def test_conversations_of_aiperf_add_up_to_the_prompts_they_came_from(
    days: list[pl.DataFrame], sent: pl.DataFrame
) -> None:
    lines = pl.read_ndjson(
        io.BytesIO(written(LoadFormat.AIPERF, days)),
        infer_schema_length=None,
    )
    assert len(lines) == len(sent)
    opens = lines["timestamp"].is_not_null()
    assert opens.equals(lines["delay"].is_null())
    assert opens.equals(lines["hash_ids"].is_not_null())
    assert (
        lines.group_by("session_id", maintain_order=True).agg(pl.col("delay").null_count())["delay"].unique().item()
        == 1
    )
    both = lines.with_columns(sent.select("input_tokens", "shared_prefix_tokens", "reasoning_tokens"))
    known = pl.col("input_tokens").shift(1) + (pl.col("output_length") - pl.col("reasoning_tokens")).shift(1)
    rebuilt = both.with_columns(
        rebuilt=pl.when(pl.col("timestamp").is_not_null())
        .then("input_length")
        .otherwise((known + pl.col("input_length")).over("session_id"))
    )
    assert np.mean(rebuilt["rebuilt"].to_numpy() == rebuilt["input_tokens"].to_numpy()) > 0.999
    assert np.mean(opens.to_numpy()) < 0.5


def test_calls_that_no_server_answered_are_left_out_and_counted() -> None:
    file = io.BytesIO()
    writer = LoadWriter(load_format=LoadFormat.MOONCAKE, origin=MIDNIGHT, file=file)
    writer.write(
        calls_of(
            {"call_id": "a", "at_s": 0.0},
            {"call_id": "b", "at_s": 1.0, "status": "rate_limited", "output_tokens": None},
            {"call_id": "c", "at_s": 2.0, "status": "error", "output_tokens": None},
            {"call_id": "d", "at_s": 3.0, "status": "user_cancel", "output_tokens": 0},
        )
    )
    assert (writer.line_count, writer.left_out_count) == (2, 2)
    assert [json.loads(line)["output_length"] for line in file.getvalue().splitlines()] == [100, 1]


def test_a_prompt_has_one_id_for_each_whole_or_begun_block() -> None:
    rows: list[dict[str, object]] = [
        {"call_id": str(tokens), "at_s": float(tokens), "input_tokens": tokens} for tokens in (1, 511, 512, 513, 1024)
    ]
    lines = lines_of(LoadFormat.MOONCAKE, calls_of(*rows))
    assert [len(line["hash_ids"]) for line in lines] == [1, 1, 1, 2, 2]
    ids = np.concatenate([line["hash_ids"] for line in lines])
    assert len(np.unique(ids)) == len(ids) == 7


def test_a_parent_in_the_batch_before_still_shares_its_blocks_and_one_further_back_does_not() -> None:
    parent = calls_of({"call_id": "a", "at_s": 0.0, "input_tokens": 2048})
    child = {"parent_call_id": "a", "shared_prefix_tokens": 1600, "input_tokens": 3000}
    near = lines_of(LoadFormat.MOONCAKE, parent, calls_of({"call_id": "b", "at_s": 9.0, **child}))
    assert near[1]["hash_ids"] == [0, 1, 2, 4, 5, 6]
    between = calls_of({"call_id": "x", "at_s": 5.0})
    far = lines_of(LoadFormat.MOONCAKE, parent, between, calls_of({"call_id": "b", "at_s": 9.0, **child}))
    assert not set(far[2]["hash_ids"]) & set(far[0]["hash_ids"])
