"""Small trace files of every format, written by tests, and the count that every ingest must keep."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.contracts import ModelCalls, Quarantine, Sessions, ToolCalls
from warehouse.ingest import Ingested

AZURE_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
AZURE_ROWS = (
    "2023-11-16 18:15:46.6805900,374,44",
    "2023-11-16 18:15:50.9951690,396,109",
    "2023-11-16 18:15:51.2224670,879,55",
)


def azure_file(
    folder: Path, rows: tuple[str, ...] = AZURE_ROWS, *, name: str = "conv.csv", header: str = AZURE_HEADER
) -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8", newline="")
    return path


def mooncake_row(
    timestamp: float = 0, *, blocks: tuple[int, ...] = (0, 1), tokens: int | None = None, out: int = 7
) -> dict[str, Any]:
    tokens = 512 * len(blocks) if tokens is None else tokens
    return {"timestamp": timestamp, "input_length": tokens, "output_length": out, "hash_ids": list(blocks)}


MOONCAKE_ROWS = (
    mooncake_row(0, blocks=(0, 1, 2), tokens=1500),
    mooncake_row(0, blocks=(0, 3), tokens=1000),
    mooncake_row(3000, blocks=(0, 1, 2, 4), tokens=2048),
    mooncake_row(6000, blocks=(0, 3), tokens=1000),
    mooncake_row(9000, blocks=(9,), tokens=10),
)


def mooncake_file(folder: Path, rows: tuple[object, ...] = MOONCAKE_ROWS, *, name: str = "trace.jsonl") -> Path:
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def weka_call(t: float, blocks: list[int], **changes: Any) -> dict[str, Any]:
    call = {
        "t": t,
        "type": "n",
        "model": "model-a",
        "in": 64 * len(blocks) + 5,
        "out": 20,
        "hash_ids": blocks,
        "input_types": ["tool_result"],
        "output_types": ["tool_use"],
        "stop": "tool_use",
        "api_time": 2.0,
        "think_time": 1.0,
    }
    return {**call, **changes}


def weka_session(requests: list[Any], *, trace_id: str = "trace_0001", **changes: Any) -> dict[str, Any]:
    session = {
        "id": trace_id,
        "models": ["model-a"],
        "block_size": 64,
        "hash_id_scope": "local",
        "tool_tokens": 10,
        "system_tokens": 5,
        "requests": requests,
        "totals": {},
    }
    return {**session, **changes}


def weka_marker(
    t: float, duration_ms: int | None, requests: list[Any], *, agent_id: str = "agent_001"
) -> dict[str, Any]:
    return {
        "t": t,
        "type": "subagent",
        "agent_id": agent_id,
        "subagent_type": "Explore",
        "duration_ms": duration_ms,
        "total_tokens": 10,
        "tool_use_count": 1,
        "status": "completed",
        "requests": requests,
        "models": ["model-b"],
        "tool_tokens": 1,
        "system_tokens": 1,
    }


def weka_file(folder: Path, session: object, *, name: str = "trace_0001.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(session), encoding="utf-8")
    return path


GOLDEN_SESSION = weka_session(
    [
        weka_call(0.0, [1, 2, 3], input_types=["text"], think_time=0.0, api_time=4.0),
        weka_call(10.0, [1, 2, 3, 4], think_time=6.0, stop="end_turn"),
        weka_marker(
            40.0,
            20_000,
            [
                weka_call(0.0, [50, 51], input_types=["text"], think_time=0.0, model="model-b"),
                weka_call(5.0, [50, 51, 52], think_time=3.0, model="model-b"),
            ],
        ),
        weka_call(45.0, [1, 2, 3, 4, 5], think_time=33.0, api_time=None, stop=""),
        weka_call(60.0, [1, 2, 9], input_types=["text"], think_time=40.0, type="s", ttft=1.5),
        weka_call(70.0, [1, 2, 3, 4, 5, 6], think_time=8.0),
    ]
)
"""A main agent of five calls and a sub-agent of two that ended at 40 s after 20 s; block size 64."""


def counts_add_up(result: Ingested) -> bool:
    """Whether every frame satisfies its contract and no row was lost or invented."""
    for frame, contract in (
        (result.model_calls, ModelCalls),
        (result.tool_calls, ToolCalls),
        (result.sessions, Sessions),
        (result.quarantine, Quarantine),
    ):
        contract.validate(frame)
    refused = result.quarantine.filter(pl.col("row_number") > 0).height
    called = result.model_calls.height
    return result.rows_read == result.rows_kept + refused and result.sessions["call_count"].sum() == called


SERVEGEN_WINDOWS = {
    "1": ["0,0.1,2.0,Gamma,0.25,40.0", "600,0.0,0.0,,0,0", "1200,0.05,1.0,Gamma,1.0,20.0"],
    "2": ["0,0.02,1.2,Weibull,0.9,47.0", "600,0.01,1.0,Weibull,1.0,100.0", "1200,0.0,0.0,,0,0"],
}
"""Client -> lines of its chunk-N-trace.csv: window start s, rate a second, cv, law, shape, scale."""
SERVEGEN_DATASET: dict[str, dict[str, Any]] = {
    "1": {
        "0": {"input_tokens": "{100: 0.25, 300: 0.75}", "output_tokens": "{7: 1.0}"},
        "21600": {"input_tokens": "{}", "output_tokens": "{}"},
    }
}
"""Client -> its chunk-N-dataset.json; client 2 has none."""


def servegen_folder(
    folder: Path,
    windows: dict[str, list[str]] | None = None,
    datasets: dict[str, dict[str, Any]] | None = None,
    *,
    category: str = "language",
) -> Path:
    model = folder / category / "m-x"
    model.mkdir(parents=True)
    for client, lines in (windows or SERVEGEN_WINDOWS).items():
        (model / f"chunk-{client}-trace.csv").write_text("\n".join(lines) + "\n", encoding="latin-1")
    for client, dataset in (SERVEGEN_DATASET if datasets is None else datasets).items():
        (model / f"chunk-{client}-dataset.json").write_text(json.dumps(dataset), encoding="utf-8")
    return model


def servegen_tables(folder: Path) -> Path:
    """The same clients as two Parquet files."""
    rows = [
        {"category": "language", "model": "m-x", "client_id": int(client)}
        | dict(zip(("window_start_s", "rate", "cv", "pattern", "arg1", "arg2"), line.split(","), strict=True))
        for client, lines in SERVEGEN_WINDOWS.items()
        for line in lines
    ]
    numbers = {"window_start_s": pl.Int32, "rate": pl.Float64, "cv": pl.Float64, "arg1": pl.Float64, "arg2": pl.Float64}
    path = folder / "servegen_client_windows.parquet"
    pl.DataFrame(rows).cast(numbers).write_parquet(path)  # type: ignore[arg-type]
    histograms: list[tuple[int, str, list[float], list[float]]] = [
        (0, "input_tokens", [100.0, 300.0], [0.25, 0.75]),
        (0, "output_tokens", [7.0], [1.0]),
        (21600, "input_tokens", [], []),
        (21600, "output_tokens", [], []),
    ]
    names = ["window_start_s", "field", "bin", "prob"]
    lengths = pl.DataFrame(histograms, schema=names, orient="row").with_columns(client_id=pl.lit(1))
    lists = {"bin": pl.List(pl.Float64), "prob": pl.List(pl.Float64)}
    lengths.cast(lists).write_parquet(folder / "servegen_lengths_m-x.parquet")  # type: ignore[arg-type]
    return path
