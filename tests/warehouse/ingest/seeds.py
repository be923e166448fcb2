"""A small good file of every format, as bytes: what property tests and fuzzers start from."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tests.warehouse.ingest.dynamo_files import DYNAMO_EVENTS
from tests.warehouse.ingest.otlp_files import CLAUDE, CODEX, GEN_AI, OPENINFERENCE
from tests.warehouse.ingest.trace_files import (
    AZURE_HEADER,
    AZURE_ROWS,
    GOLDEN_SESSION,
    MOONCAKE_ROWS,
    SERVEGEN_DATASET,
    SERVEGEN_WINDOWS,
)

BURSTGPT_HEADER = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURSTGPT_ROWS = (
    "5,ChatGPT,472,18,490,Conversation log",
    "45,ChatGPT,1087,230,1317,Conversation log",
    "118,GPT-4,417,0,417,API log",
)
BURSTGPT_LONG_HEADER = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURSTGPT_LONG_ROWS = (
    "5.5,7,3.5,ChatGPT,472,18,490,Conversation log",
    "45,7,12.25,ChatGPT,1087,230,1317,Conversation log",
    "118,,1.0,GPT-4,417,0,417,API log",
    "130,9,,GPT-4,40,5,45,API log",
)
AZURE_IMAGES = ("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens", "2024-10-15 00:00:01.5,2,900,40")


def bailian_row(chat_id: int, parent: int = -1, timestamp: float = 0.0, **changes: Any) -> dict[str, Any]:
    row = {
        "chat_id": chat_id,
        "parent_chat_id": parent,
        "timestamp": timestamp,
        "input_length": 48,
        "output_length": 7,
        "type": "text",
        "turn": 1,
        "hash_ids": [1, 2, 3],
    }
    return {**row, **changes}


BAILIAN_ROWS = (
    bailian_row(159, timestamp=0.5),
    bailian_row(160, timestamp=3.25, input_length=16, hash_ids=[9]),
    bailian_row(161, 159, 61.114, input_length=70, turn=2, hash_ids=[1, 2, 3, 4, 5]),
    bailian_row(170, 161, 90.0, input_length=75, turn=3, hash_ids=[1, 2, 3, 4]),
    bailian_row(171, 161, 95.0, input_length=80, turn=3, hash_ids=[1, 2, 3, 4, 6]),
    bailian_row(172, 12, 96.0, turn=5, hash_ids=[1, 2, 8]),
)
"""A chat of four calls that forks after its second, one of one call, and one whose parent came before the file."""


def ragpulse_row(timestamp: object, session: str, *, tokens: int, **parts: list[int]) -> dict[str, Any]:
    ids = {"sys_prompt": [1, 2], "passages_ids": [10, 11], "history": [20], "web_search": [], "user_input": [30]}
    return {
        "timestamp": timestamp,
        "input_length": tokens,
        "output_length": 50,
        "hash_ids": {**ids, **parts},
        "session_id": session,
    }


RAGPULSE_LENGTHS = {1: 512, 2: 100, 10: 300, 11: 200, 12: 80, 20: 11, 21: 64, 30: 9, 31: 12}
RAGPULSE_ROWS = (
    ragpulse_row("27", "a-1", tokens=1140),
    ragpulse_row(64, "a-1", tokens=1200, history=[21], user_input=[31]),
    ragpulse_row("70", "b-2", tokens=1020, passages_ids=[10, 12]),
)
RAGPULSE_FILES = {
    "1_sys_prompt.jsonl": "prompt_id",
    "2_passages.jsonl": "passage_id",
    "3_history.jsonl": "history_id",
}

ROUND = {
    "provider": "claude",
    "project": "project_1",
    "session_id": "claude:1",
    "round_index": 0,
    "round_id": "msg_0",
    "model": "model-a",
    "input_tokens_total": 3000,
    "prefix_tokens": 2000,
    "newly_append_tokens": 1000,
    "claude_uncached_input_tokens": 10,
    "claude_cache_creation_input_tokens": 990,
    "claude_cache_read_input_tokens": 2000,
    "output_tokens": 100,
    "reasoning_output_tokens": None,
    "timing_events": [
        {"event_type": "user_message", "timestamp": "2026-06-01T05:40:20.000Z"},
        {"event_type": "reasoning", "timestamp": "2026-06-01T05:40:23.000Z"},
        {"event_type": "tool_call", "timestamp": "2026-06-01T05:40:24.500Z"},
    ],
    "tools": [
        {
            "tool_index": 0,
            "tool_name": "Bash",
            "emitted_at": "2026-06-01T05:40:24.500Z",
            "tool_wall_latency_ms": 900,
            "tool_internal_latency_ms": 850,
            "is_error": False,
        }
    ],
}
TRACELAB_ROWS = (
    ROUND,
    {
        **ROUND,
        "round_index": 1,
        "round_id": "msg_1",
        "input_tokens_total": 3500,
        "prefix_tokens": 3000,
        "newly_append_tokens": 500,
        "claude_uncached_input_tokens": 2,
        "claude_cache_creation_input_tokens": 498,
        "claude_cache_read_input_tokens": 3000,
        "timing_events": [
            {"event_type": "tool_result", "timestamp": "2026-06-01T05:40:25.400Z"},
            {"event_type": "text", "timestamp": "2026-06-01T05:40:30.000Z"},
        ],
        "tools": [],
    },
)


def copilot_call(at: str, message_id: str, **changes: Any) -> dict[str, Any]:
    call = {
        "message_id": message_id,
        "timestamp": f"2026-06-01T{at}Z",
        "duration_ms": 2000.0,
        "initiator_type": "agent",
        "model": "Model A",
        "result": "Success",
        "status_code": "OK",
        "tokens": {"total": 1050, "prompt": 1000, "completion": 50, "cached": 800, "cached_pct": 80.0},
        "message_metadata": [{"type": "System", "role": "system", "sequenceId": 0, "token_len": 700}],
    }
    return {**call, **changes}


def copilot_batch(at: str, request_id: str, *functions: dict[str, Any]) -> dict[str, Any]:
    return {
        "timestamp": f"2026-06-01T{at}Z",
        "duration_ms": 1500.0,
        "auto_continue": True,
        "result": "Success",
        "request_id": request_id,
        "function_calls": list(functions),
    }


COPILOT_SESSIONS = (
    {
        "session_id": "s1",
        "date": "2026-06-01",
        "turns": [
            {
                "turn_id": "t1",
                "llm_calls": [copilot_call("10:00:00", "m1"), copilot_call("10:00:04.500", "m2")],
                "tool_batches": [
                    copilot_batch(
                        "10:00:02.100",
                        "m1",
                        {"name": "read_file", "status": 1, "duration_ms": 400.0},
                        {"name": "run_tests", "status": 2, "duration_ms": 1500.0},
                    )
                ],
            },
            {
                "turn_id": "t2",
                "llm_calls": [
                    copilot_call(
                        "10:05:00",
                        "m3",
                        result="UserCancel",
                        tokens={"total": 0, "prompt": 0, "completion": 0, "cached": 0},
                    )
                ],
                "tool_batches": [],
            },
        ],
    },
    {"session_id": "s2", "turns": [{"turn_id": "t1", "llm_calls": [copilot_call("11:00:00", "m1")]}]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A good trace: the file that is read, and files beside it."""

    name: str
    content: bytes
    beside: Mapping[str, bytes]


def lines(rows: Sequence[object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(content, compression="uncompressed")
    return content.getvalue()


def weka_requests() -> list[dict[str, Any]]:
    """The calls of the golden session's main agent as the shared Parquet files tell them."""
    calls = [request for request in GOLDEN_SESSION["requests"] if request["type"] != "subagent"]
    return [
        {
            **{key: value for key, value in call.items() if key != "hash_ids"},
            "trace_id": "trace_0001",
            "agent_id": None,
            "seq": seq,
            "hash_run_start": call["hash_ids"],
            "hash_run_len": [1] * len(call["hash_ids"]),
        }
        for seq, call in enumerate(calls)
    ]


def ragpulse_components() -> dict[str, bytes]:
    chosen = dict(zip(RAGPULSE_FILES, ((1, 2), (10, 11, 12), (20, 21, 30, 31)), strict=True))
    return {
        name: lines([{RAGPULSE_FILES[name]: each, "token_length": RAGPULSE_LENGTHS[each]} for each in ids])
        for name, ids in chosen.items()
    }


def seed(name: str, content: bytes, **beside: bytes) -> Seed:
    return Seed(name=name, content=content, beside=beside)


SEEDS: dict[str, tuple[Seed, ...]] = {
    "azure": (
        seed("conv.csv", table(AZURE_HEADER, *AZURE_ROWS)),
        seed("images.csv", table(*AZURE_IMAGES)),
        seed("more.csv", table(f"{AZURE_HEADER},Region", *(f'{row},"a,b"' for row in AZURE_ROWS))),
    ),
    "mooncake": (
        seed("trace.jsonl", lines(MOONCAKE_ROWS)),
        seed("trace.parquet", parquet(MOONCAKE_ROWS)),
    ),
    "weka": (
        seed("trace_0001.json", json.dumps(GOLDEN_SESSION).encode()),
        seed("t_requests.parquet", parquet(weka_requests())),
    ),
    "servegen": (
        Seed(
            name="chunk-1-trace.csv",
            content=table(*SERVEGEN_WINDOWS["1"]),
            beside={"chunk-1-dataset.json": json.dumps(SERVEGEN_DATASET["1"]).encode()},
        ),
        seed("chunk-1-trace.csv", table(*SERVEGEN_WINDOWS["1"])),
    ),
    "otlp": (
        seed("export.jsonl", lines((GEN_AI, OPENINFERENCE))),
        seed("export.json", json.dumps(CLAUDE).encode()),
        seed("codex.jsonl", lines((CODEX,))),
    ),
    "burstgpt": (
        seed("BurstGPT_1.csv", table(BURSTGPT_HEADER, *BURSTGPT_ROWS)),
        seed("BurstGPT_3.csv", table(BURSTGPT_LONG_HEADER, *BURSTGPT_LONG_ROWS)),
    ),
    "bailian": (
        seed("qwen_traceA_blksz_16.jsonl", lines(BAILIAN_ROWS)),
        seed("bailian.parquet", parquet(BAILIAN_ROWS)),
    ),
    "ragpulse": (
        Seed(name="0_trace.jsonl", content=lines(RAGPULSE_ROWS), beside=ragpulse_components()),
        seed("alone.jsonl", lines(RAGPULSE_ROWS)),
        seed(
            "r_requests.parquet",
            parquet([{**row, **row["hash_ids"], "timestamp": 5, "hash_ids": None} for row in RAGPULSE_ROWS]),
        ),
    ),
    "copilot2026": (seed("shard-0000.jsonl", lines(COPILOT_SESSIONS)),),
    "tracelab": (
        seed("round_trace.jsonl", lines(TRACELAB_ROWS)),
        seed(
            "rounds.parquet",
            parquet(
                [{**row, **{key: json.dumps(row[key]) for key in ("timing_events", "tools")}} for row in TRACELAB_ROWS]
            ),
        ),
    ),
    "dynamo": (seed("trace.jsonl", lines(DYNAMO_EVENTS)),),
}
"""By format; the first of each is the plainest."""
