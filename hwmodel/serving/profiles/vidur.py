"""Reads the layout `vidur:FILE`: kernel times that Vidur looked up, as rows of kernel, a, b and ms."""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.errors import BadProfile
from hwmodel.serving.profiles.frames import checked_frame, refuse_repeats
from hwmodel.serving.profiles.vidur_cost import VidurCost

TOKEN_KERNELS = (
    "attn_pre_proj",
    "attn_post_proj",
    "attn_rope",
    "mlp_up_proj",
    "mlp_act",
    "mlp_down_proj",
    "input_layernorm",
    "post_attention_layernorm",
    "add",
)
"""Kernels by tokens of the step, rounded up to 8; once a layer."""
EXACT_KERNEL = "attn_kv_cache_save"
"""By tokens of the step as they are; once a layer."""
COLLECTIVE = "all_reduce"
"""By tokens rounded up to 8; twice a layer, where there is more than one rank."""
DECODE, PREFILL = "attn_decode", "attn_prefill"
UNUSED = "send_recv"
"""Between pipeline stages; a replica here has one stage."""
TOKENS_ROUNDED_TO = 8
COLLECTIVES_PER_LAYER = 2
COLLECTIVE_LAUNCH_MS = 0.02
"""Vidur's `nccl_cpu_launch_overhead_ms` (source `vidur2024`), assumed by its authors."""
NS_PER_MS = 1e6


def read_vidur(path: Path, *, layers: int, tp: int, batching_factor_ratio: float, overhead_s: float = 0.0) -> VidurCost:
    """Step costs out of Vidur's tables.

    Args:
        path: Parquet with one row per kernel and size. Of the kernels by tokens, a is the tokens and b is 0; of
            `attn_decode`, a is sequences and b their mean context; of `attn_prefill`, a is the context before the chunk
            and b the square of the chunk.
        layers: Of the LLM; the tables hold times of one.
        tp: Tensor-parallel ranks; above 1 the tables need `all_reduce`.
        batching_factor_ratio: On attention of more than one sequence; 1.1 in Vidur for LLMs whose heads share KV.
        overhead_s: Host time per step.

    Raises:
        BadProfile: A column or kernel is missing, a size occurs twice or is left out, a time is null or negative.
    """
    rows = checked_frame(path, {"kernel": pl.String, "a": pl.Int64, "b": pl.Int64, "ms": pl.Float64}, measured=("ms",))
    _check_kernels(rows, path.name, tp)
    refuse_repeats(rows, ("kernel", "a", "b"), path.name)
    kernels = {str(name): part for (name,), part in rows.partition_by("kernel", as_dict=True).items()}
    scale = layers * NS_PER_MS
    decode, decode_step = _decode_ms(kernels[DECODE], path.name)
    prefill, prefill_step = _prefill_ms(kernels[PREFILL], path.name)
    if decode_step != prefill_step:
        raise BadProfile(
            f"{path.name}: contexts of {DECODE} are {decode_step} tokens apart, those of {PREFILL} {prefill_step}"
        )
    return VidurCost(
        dense_ns=_dense_ms(kernels, path.name, tp) * scale,
        decode_ns=decode * scale,
        prefill_ns=prefill * scale,
        context_step=decode_step,
        batching_factor_ratio=batching_factor_ratio,
        overhead_ns=overhead_s * NS_PER_S,
    )


def _check_kernels(rows: pl.DataFrame, where: str, tp: int) -> None:
    found = set(rows["kernel"].unique())
    needed = {*TOKEN_KERNELS, EXACT_KERNEL, DECODE, PREFILL, *([COLLECTIVE] if tp > 1 else [])}
    if missing := needed - found:
        raise BadProfile(f"{where} lacks {', '.join(sorted(missing))}, which a step with tp {tp} needs")
    if unknown := found - needed - {COLLECTIVE, UNUSED}:
        raise BadProfile(f"{where} has kernels that no step is known to have: {', '.join(sorted(unknown))}")


def _dense_ms(kernels: dict[str, pl.DataFrame], where: str, tp: int) -> Float[np.ndarray, "tokens"]:
    """Of one layer, by tokens of the step from 0, as far as all kernels are measured."""
    exact = _by_tokens(kernels[EXACT_KERNEL], where, EXACT_KERNEL, step_limit=1)
    rounded = {name: _by_tokens(kernels[name], where, name) for name in TOKEN_KERNELS}
    if tp > 1:
        launched = _by_tokens(kernels[COLLECTIVE], where, COLLECTIVE) + COLLECTIVE_LAUNCH_MS
        rounded[COLLECTIVE] = COLLECTIVES_PER_LAYER * launched
    shortest = min(table.size - 1 for table in rounded.values())
    most = min(shortest // TOKENS_ROUNDED_TO * TOKENS_ROUNDED_TO, exact.size - 1)
    tokens = np.arange(most + 1)
    up = -(-tokens // TOKENS_ROUNDED_TO) * TOKENS_ROUNDED_TO
    total = exact[tokens] + sum(table[up] for table in rounded.values())
    return np.where(tokens > 0, total, 0.0)


def _by_tokens(
    kernel: pl.DataFrame, where: str, name: str, step_limit: int = TOKENS_ROUNDED_TO
) -> Float[np.ndarray, "tokens"]:
    """Times by tokens, 0 for none; NaN at sizes between the steps, which no look-up reaches."""
    tokens = kernel["a"].to_numpy()
    step = _step(tokens, where, f"tokens of {name}", starts_at_zero=False)
    if kernel["b"].n_unique() != 1 or step_limit % step != 0:
        raise BadProfile(f"{where}: {name} must have one row for every {step_limit} tokens, and b 0")
    table = np.full(int(tokens.max()) + 1, np.nan)
    table[tokens] = kernel["ms"].to_numpy()
    table[0] = 0.0
    return table


def _decode_ms(kernel: pl.DataFrame, where: str) -> tuple[Float[np.ndarray, "sequences contexts"], int]:
    """Of one layer, by sequences from 0 and context in steps, with the step."""
    _step(kernel["a"].to_numpy(), where, f"sequences of {DECODE}", starts_at_zero=False, only=1)
    step = _step(kernel["b"].to_numpy(), where, f"contexts of {DECODE}", starts_at_zero=True)
    grid = _grid(kernel["a"].to_numpy(), kernel["b"].to_numpy() // step, kernel["ms"].to_numpy())
    _refuse_holes(grid[1:], where, DECODE)
    return np.nan_to_num(grid), step


def _prefill_ms(kernel: pl.DataFrame, where: str) -> tuple[Float[np.ndarray, "contexts chunks"], int]:
    """Of one layer, by context before the chunk in steps and chunk from 0, with the step."""
    chunk = np.rint(np.sqrt(kernel["b"].to_numpy())).astype(np.int64)
    if (chunk**2 != kernel["b"].to_numpy()).any():
        raise BadProfile(f"{where}: b of {PREFILL} must be the square of a chunk")
    _step(chunk, where, f"chunks of {PREFILL}", starts_at_zero=False, only=1)
    step = _step(kernel["a"].to_numpy(), where, f"contexts of {PREFILL}", starts_at_zero=True)
    grid = _grid(kernel["a"].to_numpy() // step, chunk, kernel["ms"].to_numpy())
    _refuse_holes(grid[:, 1:], where, PREFILL)
    return np.nan_to_num(grid), step


def _step(
    sizes: Int[np.ndarray, "rows"], where: str, what: str, *, starts_at_zero: bool, only: int | None = None
) -> int:
    """What the sizes are apart, where they begin and go on as the look-ups need it."""
    known = np.unique(sizes)
    steps = np.unique(np.diff(known))
    step = int(steps[0]) if steps.size else (only or int(known[0]) or 1)
    begin = 0 if starts_at_zero else step
    if known[0] != begin or steps.size > 1 or step != (only or step):
        gap = int(known[1:][np.diff(known) != step][0]) if steps.size > 1 else int(known[0])
        raise BadProfile(f"{where}: {what} must begin at {begin} and go on in even steps; there is a gap before {gap}")
    return step


def _grid(
    rows: Int[np.ndarray, "cells"], columns: Int[np.ndarray, "cells"], values: Float[np.ndarray, "cells"]
) -> Float[np.ndarray, "rows columns"]:
    grid = np.full((int(rows.max()) + 1, int(columns.max()) + 1), np.nan)
    grid[rows, columns] = values
    return grid


def _refuse_holes(grid: Float[np.ndarray, "rows columns"], where: str, name: str) -> None:
    if holes := int(np.isnan(grid).sum()):
        raise BadProfile(f"{where}: {name} has no time for {holes} of {grid.size} sizes of its grid")
