"""The families of kernels whose board power was measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.features import number
from hwmodel.silicon.power.work import Work, decode_work, logs, moe_work, prefill_work
from hwmodel.silicon.tables import read_power_tables

ONE_BOARD = "calibrated on board power of one data-centre chip"
BALANCED, SKEWED = "balanced", "power_law_"
WIDTHS = {"bfloat16": 0.0, "fp8": 1.0, "fp8_block": 2.0}
"""Codes of the formats."""
ATTENTION_SHAPE = ("heads", "kv_heads", "head_dim", "window")
MOE_SIZES = ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerFamily:
    """One table of measured power."""

    name: str
    basis: str
    """What every figure per watt says of itself."""
    shape: tuple[str, ...]
    """Columns that are held out together."""
    read: Callable[[Path], pl.DataFrame]
    """Rows of a folder: chip, kernel, what names a kernel, latency_s, power_w, power_limit_w."""
    work: Callable[[pl.DataFrame], Work]
    features: Callable[[pl.DataFrame], Float[np.ndarray, "rows features"]]


def _reader(table: str, *keys: str) -> Callable[[Path], pl.DataFrame]:
    def read(folder: Path) -> pl.DataFrame:
        rows = read_power_tables(folder, table, ("dtype", *keys))
        return rows.filter(pl.col("dtype").is_in(list(WIDTHS)))

    return read


def _attention(length: str) -> Callable[[pl.DataFrame], Float[np.ndarray, "rows features"]]:
    def features(rows: pl.DataFrame) -> Float[np.ndarray, "rows features"]:
        numbers = {"batch": 0.0, length: 0.0, "heads": 0.0, "kv_heads": 0.0, "head_dim": 0.0, "window": 1.0}
        group = np.log2(number(rows, "heads") / number(rows, "kv_heads"))
        tokens = np.log2(number(rows, "batch") * number(rows, length))
        items = np.log2(number(rows, "batch") * number(rows, "kv_heads"))
        stored = (rows["kv_dtype"] == "fp8").to_numpy().astype(np.float64)
        triton = rows["kernel"].str.contains("triton").to_numpy().astype(np.float64)
        return np.stack([*logs(rows, numbers), group, tokens, items, stored, triton], axis=1)

    return features


def _moe(rows: pl.DataFrame) -> Float[np.ndarray, "rows features"]:
    named = rows["distribution"]
    skew = named.replace(BALANCED, f"{SKEWED}0").str.strip_prefix(SKEWED).cast(pl.Float64, strict=False)
    if skew.null_count():
        wrong = named.filter(skew.is_null())[0]
        raise UnreadableTable(f"distribution {wrong!r} is neither {BALANCED!r} nor {SKEWED}EXPONENT")
    width = rows["dtype"].replace_strict(WIDTHS, return_dtype=pl.Float64).to_numpy()
    routed = number(rows, "num_tokens") * number(rows, "topk") / number(rows, "num_experts")
    local = number(rows, "num_experts") / number(rows, "moe_ep_size")
    inner = number(rows, "inter_size") / number(rows, "moe_tp_size")
    told = [np.log2(value) for value in (routed, local, inner, inner * number(rows, "hidden_size"))]
    return np.stack([*logs(rows, dict.fromkeys(MOE_SIZES, 0.0)), *told, width, skew.to_numpy()], axis=1)


POWER_FAMILIES = (
    PowerFamily(
        name="moe",
        basis=ONE_BOARD,
        read=_reader("moe_power", *MOE_SIZES, "distribution"),
        shape=("hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size"),
        work=moe_work,
        features=_moe,
    ),
    PowerFamily(
        name="prefill",
        basis=ONE_BOARD,
        read=_reader("attn_prefill_power", "kv_dtype", "batch", "seq", *ATTENTION_SHAPE),
        shape=ATTENTION_SHAPE,
        work=prefill_work,
        features=_attention("seq"),
    ),
    PowerFamily(
        name="decode",
        basis=ONE_BOARD,
        read=_reader("attn_decode_power", "kv_dtype", "batch", "kv_len", *ATTENTION_SHAPE),
        shape=ATTENTION_SHAPE,
        work=decode_work,
        features=_attention("kv_len"),
    ),
)
"""MoE layers and attention of one B200 under vLLM."""
