"""Reads the layout `llmservingsim:DIR`: kernel times by layer that casys-kaist/LLMServingSim measured in vLLM.

Which layer runs how often is from its description of dense decoders (commit 5daddb2, source `llmservingsim`):
embedding and last norm once a step, two norms and one of each other a layer, LM head and sampler once a step.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.config import KvSkew
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.errors import BadProfile
from hwmodel.serving.profiles.attention_grid import AttentionGrid, attention_grid
from hwmodel.serving.profiles.frames import checked_frame, refuse_repeats
from hwmodel.serving.profiles.llmservingsim_cost import LlmServingSimCost
from hwmodel.serving.profiles.skew import Skew, agrees, no_skew, skew_of

ONCE_A_STEP = ("embedding", "final_layernorm")
TIMES_A_LAYER = {
    "layernorm": 2,
    "qkv_proj": 1,
    "rotary_emb": 1,
    "o_proj": 1,
    "gate_up_proj": 1,
    "act_fn": 1,
    "down_proj": 1,
}
"""The times in the layout are of one invocation."""
SOME_LLMS_A_LAYER = {"qk_norm": 1}
"""Layers that only some LLMs have."""
PER_SEQUENCE = ("lm_head", "sampler")
NS_PER_US = 1e3

Columns = dict[str, type[pl.DataType]]

ORIGIN: Columns = {"hw": pl.String, "model": pl.String, "variant": pl.String, "tp": pl.Int64}
ATTENTION_SIZES: Columns = dict.fromkeys(("prefill_chunk", "kv_prefill", "n_decode", "kv_decode"), pl.Int64)
SKEW_SIZES: Columns = dict.fromkeys(("n", "pc", "kp", "kv_big", "kv_mean"), pl.Int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChoice:
    """Which profile of a folder is meant; none where the folder holds only one."""

    tp: int
    hardware: str | None = None
    model: str | None = None
    variant: str | None = None


def read_llmservingsim(
    folder: Path, choice: ProfileChoice, *, layers: int, overhead_s: float = 0.0, kv_skew: KvSkew = KvSkew.AUTO
) -> LlmServingSimCost:
    """Step costs out of the profile in a folder.

    Args:
        folder: Holds `*kernels_dense.parquet`, `*kernels_per_sequence.parquet`, `*kernels_attention.parquet` and, where
            unequal contexts were measured, `*kernels_skew.parquet`; several files of a kind are read as one.
        choice: Hardware, model, variant and tensor-parallel ranks.
        layers: Of the LLM; the tables hold times of one.
        overhead_s: Host time per step.
        kv_skew: Whether to add what unequal contexts of decoding sequences cost, from `*kernels_skew.parquet`.

    Raises:
        BadProfile: A file, column or layer is missing, not exactly one profile fits the choice, or a row breaks a rule.
    """
    if choice.tp > 1:
        raise BadProfile(
            f"tp {choice.tp}: the layout has no times of collectives, so only tp 1 can be told from it; "
            "set tp to 1, or use a profile that has all_reduce (vidur:FILE)"
        )
    origin = _origin(folder, choice)
    dense = _rows(folder, "dense", {"layer": pl.String, "tokens": pl.Int64}, origin)
    sampled = _rows(folder, "per_sequence", {"layer": pl.String, "sequences": pl.Int64}, origin)
    grid = attention_grid(
        _rows(folder, "attention", ATTENTION_SIZES, origin), f"{folder.name}/*kernels_attention.parquet"
    )
    _check_layers(dense, sampled)
    alpha = _skew(folder, origin, grid, kv_skew)
    a_layer = {**TIMES_A_LAYER, **{name: n for name, n in SOME_LLMS_A_LAYER.items() if name in set(dense["layer"])}}
    weights = {**dict.fromkeys(ONCE_A_STEP, 1), **{name: n * layers for name, n in a_layer.items()}}
    return LlmServingSimCost(
        dense_ns=_sum_us(dense, "tokens", weights) * NS_PER_US,
        sampled_ns=_sum_us(sampled, "sequences", dict.fromkeys(PER_SEQUENCE, 1)) * NS_PER_US,
        chunk_at=grid.chunk_at,
        context_at=grid.context_at,
        decoding_at=grid.decoding_at,
        history_at=grid.history_at,
        attention_ns=grid.time_us * (layers * NS_PER_US),
        alpha_ratio=alpha.alpha_ratio,
        alpha_chunk_at=alpha.chunk_at,
        alpha_decoding_at=alpha.decoding_at,
        alpha_share_at=alpha.share_at,
        overhead_ns=overhead_s * NS_PER_S,
    )


def _files(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"*kernels_{kind}.parquet"))


def _origin(folder: Path, choice: ProfileChoice) -> dict[str, object]:
    """Hardware, model, variant and ranks of the one profile that fits the choice."""
    if not folder.is_dir():
        raise BadProfile(
            f"{folder} is not a folder; llmservingsim:DIR names the folder that holds *kernels_dense.parquet"
        )
    files = _files(folder, "dense")
    if not files:
        raise BadProfile(f"{folder} holds no *kernels_dense.parquet")
    known = pl.concat([checked_frame(path, ORIGIN, measured=()) for path in files]).unique().sort(*ORIGIN)
    wanted = {"hw": choice.hardware, "model": choice.model, "variant": choice.variant, "tp": choice.tp}
    fits = known.filter(
        pl.lit(value=True), *(pl.col(name) == value for name, value in wanted.items() if value is not None)
    )
    if len(fits) == 1:
        return fits.row(0, named=True)
    there = "; ".join(f"{hw}, {model}, {variant}, tp {tp}" for hw, model, variant, tp in known.iter_rows())
    verdict = "no profile fits" if fits.is_empty() else "several profiles fit"
    asked = ", ".join(f"{name} {value}" for name, value in wanted.items() if value is not None)
    raise BadProfile(
        f"{verdict} {asked} (set hardware, model, variant and tp in the configuration); {folder.name} has {there}"
    )


def _rows(folder: Path, kind: str, columns: Columns, origin: dict[str, object]) -> pl.DataFrame:
    files = _files(folder, kind)
    if not files:
        raise BadProfile(f"{folder} holds no *kernels_{kind}.parquet")
    read = [checked_frame(path, {**ORIGIN, **columns, "time_us": pl.Float64}, measured=("time_us",)) for path in files]
    rows = pl.concat(read).filter(*(pl.col(name) == value for name, value in origin.items())).drop(*ORIGIN)
    if rows.is_empty():
        raise BadProfile(
            f"*kernels_{kind}.parquet of {folder.name} has no row of {', '.join(map(str, origin.values()))}"
        )
    refuse_repeats(rows, tuple(columns), f"*kernels_{kind}.parquet of {folder.name}")
    return rows


def _skew(folder: Path, origin: dict[str, object], grid: AttentionGrid, asked: KvSkew) -> Skew:
    if asked is KvSkew.OFF:
        return no_skew()
    times = ("t_mean_us", "t_skew_us")
    columns: Columns = {**ORIGIN, **SKEW_SIZES, **dict.fromkeys(times, pl.Float64)}
    read = [checked_frame(path, columns, measured=times) for path in _files(folder, "skew")]
    chosen = [rows.filter(*(pl.col(name) == value for name, value in origin.items())) for rows in read]
    rows = pl.concat(chosen) if chosen else pl.DataFrame()
    if rows.is_empty() and asked is KvSkew.ON:
        raise BadProfile(
            f"{folder} has no *kernels_skew.parquet of {', '.join(map(str, origin.values()))}; set kv_skew to auto"
        )
    if rows.is_empty() or (asked is KvSkew.AUTO and not agrees(rows, grid)):
        return no_skew()
    return skew_of(rows, grid)


def _check_layers(dense: pl.DataFrame, sampled: pl.DataFrame) -> None:
    known = {*ONCE_A_STEP, *TIMES_A_LAYER}
    for rows, needed, optional in ((dense, known, set(SOME_LLMS_A_LAYER)), (sampled, set(PER_SEQUENCE), set[str]())):
        found = set(rows["layer"])
        if missing := needed - found:
            raise BadProfile(
                f"the profile lacks {', '.join(sorted(missing))}; only decoders whose layers are dense can be told"
            )
        if unknown := found - needed - optional:
            raise BadProfile(f"the profile has layers that no step is known to have: {', '.join(sorted(unknown))}")


def _sum_us(rows: pl.DataFrame, size: str, weights: dict[str, int]) -> Float[np.ndarray, "sizes"]:
    """Sum over layers by size from 0, straight lines between measured sizes; 0 at 0, the smallest one's below it."""
    parts = {str(name): part.sort(size) for (name,), part in rows.partition_by("layer", as_dict=True).items()}
    largest = min(int(part[size][-1]) for part in parts.values())
    sizes = np.arange(largest + 1)
    total = sum(
        weight * np.interp(sizes, parts[name][size].to_numpy(), parts[name]["time_us"].to_numpy())
        for name, weight in weights.items()
    )
    return np.where(sizes > 0, total, 0.0)
