"""One layer of experts on one rank: what a row of the measured tables says of its sizes, format and routing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.features import number
from hwmodel.silicon.routing import BALANCED, POWER_LAW, routing_of

MODEL = ("hidden_size", "inter_size", "topk", "num_experts")
"""What a model is to this family."""
SHARDING = ("moe_tp_size", "moe_ep_size")
KEYS = ("dtype", "num_tokens", *MODEL, *SHARDING, "distribution")
"""One layer of a model on one of `moe_tp_size` x `moe_ep_size` ranks, and how its tokens are routed."""
OWN_TOKENS = "sglang"
"""Stack that hands a rank only the tokens that it has a row of; the others hand it all."""
NON_GATED = frozenset(
    {
        (2688, 1856, 6, 128),
        (1024, 2688, 22, 512),
        (2048, 5120, 22, 512),
        (4096, 2688, 22, 512),
        (8192, 5120, 22, 512),
    }
)
"""Models (as `MODEL`) with one up matrix and a squared ReLU instead of two and a gate. The tables say so only in the
name of one stack's kernel; the times of the other stacks agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertFormat:
    """How a table's `dtype` computes and stores; scales of blocks are part of the widths."""

    math: str
    """One of `MATH_DTYPES`."""
    weight_bytes: float
    """Per weight. So the next for rows."""
    row_bytes: float
    scaled_every: float
    """Length of the reduction after which partial sums are scaled on vector units; 0 where they are not."""


FORMATS: Mapping[str, ExpertFormat] = MappingProxyType(
    {
        "bfloat16": ExpertFormat(math="bf16", weight_bytes=2.0, row_bytes=2.0, scaled_every=0.0),
        "fp8": ExpertFormat(math="fp8", weight_bytes=1.0, row_bytes=1.0, scaled_every=0.0),
        "fp8_block": ExpertFormat(math="fp8", weight_bytes=1.0, row_bytes=1.03125, scaled_every=128.0),
        "nvfp4": ExpertFormat(math="fp4", weight_bytes=0.5625, row_bytes=0.5625, scaled_every=0.0),
        "w4a16_mxfp4": ExpertFormat(math="bf16", weight_bytes=0.53125, row_bytes=2.0, scaled_every=0.0),
        "w4a8_mxfp4_mxfp8": ExpertFormat(math="fp8", weight_bytes=0.53125, row_bytes=1.03125, scaled_every=0.0),
        "int4_wo": ExpertFormat(math="bf16", weight_bytes=0.515625, row_bytes=2.0, scaled_every=0.0),
    }
)
"""Formats by their name in the tables: bf16; fp8 by tensor and by block of 128; 4-bit floats in blocks of 16; 4-bit
floats in blocks of 32 under bf16 and under fp8 rows; 4-bit integers in blocks of 128 under bf16 rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Sizes of each row's layer on its rank."""

    routing: pl.DataFrame
    """See `routing.COLUMNS`."""
    tokens: Float[np.ndarray, "rows"]
    """That the rank is handed."""
    hidden: Float[np.ndarray, "rows"]
    inter: Float[np.ndarray, "rows"]
    """Width of an expert on the rank."""
    up_count: Float[np.ndarray, "rows"]
    """Matrices before the activation: 2 where it is gated."""
    weight_bytes: Float[np.ndarray, "rows"]
    """Per weight. So the next for rows."""
    row_bytes: Float[np.ndarray, "rows"]

    def routed(self, name: str) -> Float[np.ndarray, "rows"]:
        """A column of the routing."""
        return self.routing[name].to_numpy()

    def weights(self) -> Float[np.ndarray, "rows"]:
        """Bytes of the experts that have a row."""
        return self.routed("active") * self.hidden * self.inter * (self.up_count + 1.0) * self.weight_bytes

    def work_flop(self) -> Float[np.ndarray, "rows"]:
        """Matrix work of all its products."""
        return 2.0 * self.routed("rows") * self.hidden * self.inter * (self.up_count + 1.0)


def layer_of(rows: pl.DataFrame) -> Layer:
    """Sizes of each row's layer; a row of a known stack is handed the tokens that this stack hands a rank."""
    routing = routing_of(rows)
    tokens = number(rows, "num_tokens")
    if "backend" in rows.columns:
        tokens = np.where(rows["backend"].eq_missing(OWN_TOKENS).to_numpy(), routing["hit_tokens"].to_numpy(), tokens)
    gated = np.array([model not in NON_GATED for model in rows.select(MODEL).iter_rows()], dtype=bool)
    return Layer(
        routing=routing,
        tokens=tokens,
        hidden=number(rows, "hidden_size"),
        inter=np.ceil(number(rows, "inter_size") / number(rows, "moe_tp_size")),
        up_count=np.where(gated, 2.0, 1.0),
        weight_bytes=format_column(rows, "weight_bytes"),
        row_bytes=format_column(rows, "row_bytes"),
    )


def format_column(rows: pl.DataFrame, field: str) -> np.ndarray:
    """A field of `ExpertFormat` for each row's `dtype`.

    Raises:
        UnreadableTable: A format that is not in `FORMATS`.
    """
    unknown = sorted(set(rows["dtype"].unique().to_list()) - set(FORMATS))
    if unknown:
        raise UnreadableTable(f"MoE format {unknown[0]!r} is not known; known: {', '.join(FORMATS)}")
    return rows["dtype"].replace_strict({name: getattr(one, field) for name, one in FORMATS.items()}).to_numpy()


def layer_refusal(rows: pl.DataFrame, chip: ChipDesign) -> pl.Series:
    """Why a row cannot be timed on a chip, null where it can.

    Formats that no table names or that the chip has no matrix rate for; sizes that are none; experts that ranks cannot
    share; routings that are not known.
    """
    ratios = {"bf16": 1.0, "fp8": chip.fp8_rate_ratio, "fp4": chip.fp4_rate_ratio}
    reasons = {
        name: None if ratios[one.math] > 0.0 else f"{chip.name} has no matrix rate at {one.math}, which {name} needs"
        for name, one in FORMATS.items()
    }
    unknown = pl.format("dtype {} is not known; known: " + ", ".join(FORMATS), pl.col("dtype").fill_null("null"))
    by_dtype = pl.col("dtype").replace_strict(reasons, default=unknown, return_dtype=pl.String)
    sizes = ("num_tokens", *MODEL, *SHARDING)
    no_size = pl.any_horizontal((pl.col(name).fill_null(0) < 1) for name in sizes)
    uneven = (pl.col("num_experts") % pl.col("moe_ep_size") != 0) | (pl.col("topk") > pl.col("num_experts"))
    exponent = pl.col("distribution").str.strip_prefix(POWER_LAW).cast(pl.Float64, strict=False)
    is_power = pl.col("distribution").str.starts_with(POWER_LAW) & (exponent > 0.0) & (exponent != 1.0)
    is_known = (pl.col("distribution") == BALANCED) | is_power
    reason = (
        pl.when(no_size)
        .then(pl.lit(f"{', '.join(sizes)} must be whole numbers above 0"))
        .when(uneven)
        .then(pl.lit("ranks share experts evenly, and a token asks for at most all of them"))
        .when(~is_known.fill_null(value=False))
        .then(
            pl.format(
                "routing {} is not known; known: balanced, power_law_1.2 and the like",
                pl.col("distribution").fill_null("null"),
            )
        )
        .otherwise(by_dtype)
    )
    return rows.select(reason=reason)["reason"]
