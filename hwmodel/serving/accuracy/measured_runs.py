"""Measured serving runs of NVIDIA's tables: which rows are used, and what the chip model with the engine says."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from hwmodel.catalog import CatalogError, load_catalog
from hwmodel.serving.accuracy.closed_loop import ClosedLoop, run_closed_loop
from hwmodel.serving.accuracy.deployed import ENGINE, PRECISIONS, Setup, chip_named, in_precision, replica_of
from hwmodel.serving.accuracy.host_time import host_step_s
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.replay import Replica
from hwmodel.silicon.tables import CHIP_OF_GPU

RUNS_FILE = Path("silicon") / "serving_nvidia_measured_runs.parquet"
MOST_TP = 8
"""Larger values count tensor times expert parallelism twice."""
SYSTEMS = ("a100_sxm", "h100_sxm", "h200_sxm", "b200_sxm", "b300_sxm", "gb200", "gb300", "l40s", "rtx_pro_6000_server")
CHIPS = {name: CHIP_OF_GPU[name] for name in SYSTEMS} | {"gb200_sxm": "gb200-nvl72", "gb300_sxm": "gb300-nvl72"}
LLMS = {
    "deepseek-ai/DeepSeek-R1": "deepseek-r1",
    "nvidia/DeepSeek-R1-NVFP4": "deepseek-r1",
    "deepseek-ai/DeepSeek-V3": "deepseek-v3",
    "meta-llama/Llama-3.1-70B": "llama-3.1-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "llama-3.1-8b",
    "openai/gpt-oss-120b": "gpt-oss-120b",
    "openai/gpt-oss-20b": "gpt-oss-20b",
    "Qwen/Qwen3-32B": "qwen3-32b",
    "nvidia/Qwen3-32B-NVFP4": "qwen3-32b",
    "Qwen/Qwen3-235B-A22B-FP8": "qwen3-235b-a22b",
    "Qwen/Qwen3.5-397B-A17B": "qwen3.5-397b-a17b",
    "moonshotai/Kimi-K2.5": "kimi-k2.5",
    "MiniMaxAI/MiniMax-M2.5": "minimax-m2.5",
    "zai-org/GLM-5": "glm-5",
    "zai-org/GLM-5-FP8": "glm-5",
}
"""Catalogue id by the path of a checkpoint; what is not listed is left out and counted."""
SPREAD_SHAPES = ((1024, 1024), (1024, 8192), (8192, 1024))
"""Input and output lengths of InferenceX, drawn uniformly between 80 and 100 % of these. Published: its harness."""
SPREAD_RATIO = 0.8
KEYS = ("chip", "llm", "backend", "precision", "mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Rows that are scored, and how many each rule left out."""

    rows: pl.DataFrame
    left_out: dict[str, int]
    """Rows by the rule that left them out, in order."""


def used_rows(runs: pl.DataFrame) -> Used:
    """Rows that the rules keep; the rules were fixed before anything was fitted."""
    dp = pl.col("attention_dp_size")
    rules: dict[str, pl.Expr] = {
        "mode is not agg": pl.col("mode") == "agg",
        "precision, batch or tp is not given": ~pl.any_horizontal(
            pl.col("precision", "batch_size", "tp_size").is_null()
        ),
        f"tp above {MOST_TP}": pl.col("tp_size") <= MOST_TP,
        "attention is data-parallel": dp.is_null() | (dp == 1),
        "concurrency is not the batch": pl.col("concurrency").is_null()
        | (pl.col("concurrency") == pl.col("batch_size")),
        "chip is not in the catalogue": pl.col("system").is_in(list(CHIPS)),
        "precision is not in the catalogue": pl.col("precision").is_in(list(PRECISIONS)),
        "LLM is not in the catalogue": pl.col("model_path").is_in(list(LLMS)),
    }
    left_out: dict[str, int] = {}
    for name, keeps in rules.items():
        kept = runs.filter(keeps.fill_null(value=False))
        left_out[name], runs = len(runs) - len(kept), kept
    identity = [name for name in runs.columns if name not in {"id", "source_kind", "measured"}]
    unique = runs.unique(identity, keep="first", maintain_order=True)
    left_out["exact repeat"] = len(runs) - len(unique)
    rows = unique.with_columns(_chip(), _llm(), _ep(), _engine_host(), pl.lit(1, dtype=pl.Int64).alias("groups"))
    return Used(rows=rows, left_out=left_out)


def data_parallel_rows(runs: pl.DataFrame) -> pl.DataFrame:
    """Runs whose attention is divided by data over all ranks of a server, as `used_rows` keeps the others.

    Only those whose labels agree: one rank to a group, experts divided over the groups, users the groups' batches
    together. Scored apart: no bar is set for them.

    Returns:
        The columns of `Used.rows`; tp_size has all ranks, batch_size all users, groups the groups.
    """
    groups = pl.col("attention_dp_size")
    kept = runs.filter(
        (pl.col("mode") == "agg")
        & groups.is_between(2, MOST_TP)
        & (pl.col("tp_size") == 1)
        & (pl.col("moe_ep_size") == groups)
        & (pl.col("concurrency") == pl.col("batch_size") * groups)
        & pl.col("system").is_in(list(CHIPS))
        & pl.col("precision").is_in(list(PRECISIONS))
        & pl.col("model_path").is_in(list(LLMS))
    )
    whole = kept.with_columns(tp_size=groups, batch_size=pl.col("concurrency").cast(pl.Int64), groups=groups)
    return whole.with_columns(_chip(), _llm(), _ep(), _engine_host())


def _chip() -> pl.Expr:
    return pl.col("system").replace_strict(CHIPS, return_dtype=pl.String).alias("chip")


def _llm() -> pl.Expr:
    return pl.col("model_path").replace_strict(LLMS, return_dtype=pl.String).alias("llm")


def _engine_host() -> pl.Expr:
    engine = pl.struct("backend", "backend_version")
    told = engine.map_elements(lambda e: host_step_s(e["backend"], e["backend_version"]), return_dtype=pl.Float64)
    return told.alias("engine_host_s")


def _ep() -> pl.Expr:
    ep, tp = pl.col("moe_ep_size").fill_null(1).clip(1), pl.col("tp_size")
    return pl.when(tp % ep == 0).then(ep).otherwise(1).alias("ep")


def predicted(used: pl.DataFrame, told: Callable[[str], None] = lambda _: None) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rows with `tpot_s` and `ttft_s` of the model, no efficiency applied; and rows that could not be run by reason."""
    places = ["chip", "llm", "precision", "tp_size", "ep", "groups", "engine_host_s"]
    loads = [*places, "batch_size", "isl", "osl"]
    asked = used.select(loads).unique(maintain_order=True).sort(places)
    refused: dict[str, int] = {}
    answers: list[tuple[float, float]] = []
    replica: Replica | str = ""
    last: tuple[object, ...] = ()
    for row in asked.iter_rows(named=True):
        place = tuple(row[name] for name in places)
        if place != last:
            last, replica = place, _replica(*place)
        answers.append(_answer(replica, row))
    told(f"{len(asked):,} different loads replayed")
    times = asked.with_columns(
        pl.Series("tpot_s", [a[0] for a in answers]), pl.Series("ttft_s", [a[1] for a in answers])
    )
    joined = used.join(times, on=loads, how="left", maintain_order="left")
    lost = joined.filter(pl.col("tpot_s").is_nan())
    if len(lost):
        refused["does not fit the memory of the chips"] = len(lost)
    return joined.filter(pl.col("tpot_s").is_not_nan()), refused


@cache
def _replica(chip: str, llm: str, precision: str, tp: int, ep: int, groups: int, engine_host_s: float) -> Replica | str:
    try:
        design = chip_named(chip)
        setup: Setup = in_precision(
            load_catalog().llm(llm), precision, design, tp_count=tp, ep_count=ep, attention_dp_count=groups
        )
        return replica_of(setup, design, ENGINE.of_groups(groups), host_step_s=engine_host_s)
    except (DoesNotFit, CatalogError) as error:
        return str(error)


def _answer(replica: Replica | str, row: dict[str, int]) -> tuple[float, float]:
    if isinstance(replica, str):
        return np.nan, np.nan
    shape = (row["isl"], row["osl"])
    loop = ClosedLoop(
        concurrency=row["batch_size"],
        input_tokens=row["isl"],
        output_tokens=row["osl"],
        least_length_ratio=SPREAD_RATIO if shape in SPREAD_SHAPES else 1.0,
    )
    try:
        found = run_closed_loop(loop, replica, ENGINE.of_groups(row["groups"]))
    except DoesNotFit:
        return np.nan, np.nan
    return found.tpot_s, found.ttft_s
