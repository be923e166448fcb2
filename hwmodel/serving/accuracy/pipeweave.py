"""PipeWeave's measured serving runs: the prompts of one batch, then its decode step, on eight GPUs and more."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from hwmodel.catalog import Deployment, DesignTable, LlmSpec, load_catalog
from hwmodel.kernels import StepStates
from hwmodel.serving.accuracy.deployed import ENGINE_TOKENS, chip_named
from hwmodel.serving.accuracy.host_time import SERIAL_HOST_STEP_S
from hwmodel.serving.accuracy.left_out import errors
from hwmodel.serving.step_timer import KernelGroup, StepTimer, decode_states, prefill_states
from hwmodel.timing import FIRST_CONSTANTS, TimingConstants

PIPEWEAVE_FILE = Path("silicon") / "serving_pipeweave" / "e2e_measured.parquet"
CHIPS = {
    "A100": "a100-sxm-80",
    "A40": "a40",
    "H100": "h100-sxm",
    "H200": "h200-sxm",
    "H20": "h20",
    "H800": "h800",
    "L20": "l20",
    "L40": "l40",
    "L40S": "l40s",
    "RTX_A6000": "rtx-a6000",
    "RTX_6000_Ada": "rtx-6000-ada",
    "RTX_PRO_6000": "rtx-pro-6000",
}
"""Catalogue id by PipeWeave's name; longer names that begin so are the same chip."""
RUN_KEYS = ("tp", "llm", "run_name", "batch_size", "output_len", "total_prefill_tokens")
"""What makes a run, beside its chip."""
APART = "rtx-6000-ada"
"""Its prefill rows sit three to four times over the bound that its data sheet gives, at every size: scored apart."""
QWEN25_14B = LlmSpec(
    id="qwen2.5-14b",
    stands_for="dense 14B of PipeWeave's runs",
    kind="config",
    source="https://huggingface.co/Qwen/Qwen2.5-14B/blob/main/config.json",
    hidden=5120,
    layers_count=48,
    full_layers_count=48,
    sliding_layers_count=0,
    linear_layers_count=0,
    heads_count=40,
    kv_heads_count=8,
    head_dim=128,
    intermediate=13824,
    moe=None,
    mla=None,
    linear=None,
    sliding_window_tokens=None,
    vocab=152064,
    context_tokens=131072,
    tied_embeddings=False,
    weight_dtype="bf16",
    total_parameters=14.77e9,
    active_parameters=14.77e9,
)
"""Recalled from its published config; total and active parameters follow from it."""
DECODE_BAR, PREFILL_BAR, PREFILL_MEDIAN_BAR = 0.12, 0.20, 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeweaveRow:
    """Errors of one chip, or of all but the one that stands apart; raw, and times the other chips' median ratio."""

    case: str
    chip: str
    rows: int
    decode_mape: float
    decode_bias: float
    decode_mape_scaled: float
    decode_ratio: float
    """Measured over predicted, median of the other chips; 1 where there are none."""
    prefill_mape: float
    prefill_median_error: float
    prefill_bias: float
    prefill_mape_scaled: float
    prefill_ratio: float
    decode_bar: float | None
    prefill_bar: float | None
    prefill_median_bar: float | None
    passes: bool | None
    """By the raw errors: nothing in them was fitted on serving runs."""


def pipeweave_rows(table: pl.DataFrame) -> tuple[list[PipeweaveRow], dict[str, int]]:
    """Errors by chip and of all; and the runs left out by reason. Repeats of a run count as one, by their medians."""
    runs, unknown_count = pipeweave_runs(table)
    times = [predicted_s(row) for row in runs.iter_rows(named=True)]
    runs = runs.with_columns(
        pl.Series("prefill_s", [t[0] for t in times]), pl.Series("decode_s", [t[1] for t in times])
    )
    return _rows(_scaled(runs)), {"chip or LLM is not in the catalogue": unknown_count}


def pipeweave_runs(table: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Runs on chips and LLMs of the catalogue, repeats as one by their medians; and how many measurements are not."""
    known = pl.col("chip").is_not_null() & pl.col("llm").is_in(["Qwen2.5-14B", "Qwen3-32B", "Llama-3.1-70B"])
    named = table.with_columns(_chip(), pl.col("run_name").str.replace(r"-[a-z]+_\d+$", "").alias("llm"))
    times = pl.col("prefill_latency", "median_decode_latency").median()
    return named.filter(known).group_by("chip", *RUN_KEYS).agg(times).sort("chip", *RUN_KEYS), len(named.filter(~known))


def predicted_s(run: dict[str, float | str], constants: TimingConstants = FIRST_CONSTANTS) -> tuple[float, float]:
    """Seconds of all prompts of a batch, and of one decode step of it in the middle of the answers.

    Prompts run in chunks of the token budget; attention is that of prompts of the mean length, one by one.
    """
    timer = _timer(str(run["chip"]), str(run["llm"]), int(run["tp"]), constants)
    batch, total = float(run["batch_size"]), float(run["total_prefill_tokens"])
    length, chunk = total / batch, min(total, float(ENGINE_TOKENS))
    at = decode_states(np.array([batch]), np.array([length + float(run["output_len"]) / 2.0]))
    decode = sum(_seconds(timer, group, at) for group in (KernelGroup.TOKENS, KernelGroup.ROWS, KernelGroup.DECODE))
    nothing = np.zeros(1)
    dense = _seconds(timer, KernelGroup.TOKENS, prefill_states(np.array([chunk]), nothing)) * total / chunk
    attention = _seconds(timer, KernelGroup.PREFILL, prefill_states(np.array([length]), nothing)) * batch
    return dense + attention, decode


def _seconds(timer: StepTimer, group: KernelGroup, states: StepStates) -> float:
    return float(timer.group_ns(group, states)[0, 0]) / 1e9


@cache
def _timer(chip: str, llm: str, tp_count: int, constants: TimingConstants) -> StepTimer:
    spec = QWEN25_14B if llm == "Qwen2.5-14B" else load_catalog().llm(llm.lower())
    deployment = Deployment(tp_count=tp_count, kv_dtype="bf16")
    designs = DesignTable.of([chip_named(chip)])
    return StepTimer(
        designs=designs, llm=spec, deployment=deployment, constants=constants, host_step_s=SERIAL_HOST_STEP_S
    )


def _chip() -> pl.Expr:
    found = pl.lit(None, dtype=pl.String)
    for name in sorted(CHIPS, key=len):
        begins = pl.col("hardware").str.replace_all("[ -]", "_").str.starts_with(name)
        found = pl.when(begins).then(pl.lit(CHIPS[name])).otherwise(found)
    return found.alias("chip")


def _scaled(runs: pl.DataFrame) -> pl.DataFrame:
    """Every run with the median of measured over predicted of the other chips, the one apart left out."""
    taught = runs.filter(pl.col("chip") != APART)
    ratios = []
    for chip in runs["chip"]:
        others = taught.filter(pl.col("chip") != chip)
        decode = (others["median_decode_latency"] / others["decode_s"]).median()
        prefill = (others["prefill_latency"] / others["prefill_s"]).median()
        ratios.append((1.0 if decode is None else decode, 1.0 if prefill is None else prefill))
    return runs.with_columns(
        pl.Series("decode_ratio", [r[0] for r in ratios], dtype=pl.Float64),
        pl.Series("prefill_ratio", [r[1] for r in ratios], dtype=pl.Float64),
    )


def _rows(runs: pl.DataFrame) -> list[PipeweaveRow]:
    chips = [_row(part, chip=str(part["chip"][0])) for part in runs.partition_by("chip", maintain_order=True)]
    main = runs.filter(pl.col("chip") != APART)
    return [*([_row(main, chip="all", has_bars=True)] if len(main) else []), *chips]


def _row(part: pl.DataFrame, *, chip: str, has_bars: bool = False) -> PipeweaveRow:
    decode_s, decode = part["decode_s"].to_numpy(), part["median_decode_latency"].to_numpy()
    prefill_s, prefill = part["prefill_s"].to_numpy(), part["prefill_latency"].to_numpy()
    decode_ratio, prefill_ratio = part["decode_ratio"].to_numpy(), part["prefill_ratio"].to_numpy()
    decode_mape, prefill_mape = float(errors(decode_s, decode).mean()), float(errors(prefill_s, prefill).mean())
    prefill_median = float(np.median(errors(prefill_s, prefill)))
    meets = decode_mape <= DECODE_BAR and prefill_mape <= PREFILL_BAR and prefill_median <= PREFILL_MEDIAN_BAR
    return PipeweaveRow(
        case="pipeweave",
        chip=chip,
        rows=len(part),
        decode_mape=decode_mape,
        decode_bias=float(np.median(decode_s / decode) - 1.0),
        decode_mape_scaled=float(errors(decode_s * decode_ratio, decode).mean()),
        decode_ratio=float(np.median(decode_ratio)),
        prefill_mape=prefill_mape,
        prefill_median_error=prefill_median,
        prefill_bias=float(np.median(prefill_s / prefill) - 1.0),
        prefill_mape_scaled=float(errors(prefill_s * prefill_ratio, prefill).mean()),
        prefill_ratio=float(np.median(prefill_ratio)),
        decode_bar=DECODE_BAR if has_bars else None,
        prefill_bar=PREFILL_BAR if has_bars else None,
        prefill_median_bar=PREFILL_MEDIAN_BAR if has_bars else None,
        passes=meets if has_bars else None,
    )
