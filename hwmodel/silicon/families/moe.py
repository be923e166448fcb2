"""Layers of experts as serving stacks run them on one rank: rows quantised, two grouped products, rows summed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import number, of_chip
from hwmodel.silicon.routing import TILE_ROWS, power_of, routing_of
from hwmodel.silicon.tables import read_tables
from warehouse.contracts.vocabulary import KernelFamily

MODEL = ("hidden_size", "inter_size", "topk", "num_experts")
"""What a model is to this family."""
SHARDING = ("moe_tp_size", "moe_ep_size")
KEYS = ("dtype", "num_tokens", *MODEL, *SHARDING, "distribution")
"""One layer of a model on one of `moe_tp_size` x `moe_ep_size` ranks, and how its tokens are routed."""
HALF_BYTES = 2.0
"""Rows enter, leave and are summed in bf16."""
QUANTISE_FLOP = 4.0
"""Vector work per activation that is quantised: absolute value, maximum, scaling, rounding. Assumed. So the next."""
GATE_FLOP = 5.0
"""Per output of a gated activation beside its exponential."""
SUM_FLOP = 2.0
"""Per element of a row that is weighted and added."""
SCALE_FLOP = 4.0
"""Per partial sum that is scaled: two scales are multiplied, applied and added."""
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
"""Models (as `MODEL`) with one up matrix and a squared ReLU instead of two and a gate. The tables say so only in the name
of one stack's kernel; the times of the other stacks agree."""
LARGEST_ALIGNMENT = 1024
TILES = ((16, 128), (16, 256), (64, 128), (64, 256), (128, 128), (128, 256))
"""Tiles (rows, columns) that libraries choose from; how both products fit each is told, not which one is taken."""


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


def moe_rows(folder: Path) -> pl.DataFrame:
    """Every measured layer."""
    return read_tables(folder, "moe", KEYS)


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


def layer_of(rows: pl.DataFrame) -> Layer:
    """Sizes of each row's layer; a row of a known stack is handed the tokens that this stack hands a rank."""
    routing = routing_of(rows)
    tokens = number(rows, "num_tokens")
    if "backend" in rows.columns:
        tokens = np.where((rows["backend"] == OWN_TOKENS).to_numpy(), routing["hit_tokens"].to_numpy(), tokens)
    gated = np.array([model not in NON_GATED for model in rows.select(MODEL).iter_rows()], dtype=bool)
    return Layer(
        routing=routing,
        tokens=tokens,
        hidden=number(rows, "hidden_size"),
        inter=np.ceil(number(rows, "inter_size") / number(rows, "moe_tp_size")),
        up_count=np.where(gated, 2.0, 1.0),
        weight_bytes=_format_column(rows, "weight_bytes"),
        row_bytes=_format_column(rows, "row_bytes"),
    )


def moe_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """The layer as one kernel that nobody runs, for its bound; then gathering, up, activation, down, sum.

    Gathering quantises tokens where the format is narrow, and copies them to their experts.

    What a layer must move at least is its active weights and its tokens in and out: rows between its kernels may stay
    on chip, so that the bound is not one kernel's.
    """
    layer, size = layer_of(rows), len(rows)
    math = _format_column(rows, "math").tolist()
    routed, tokens, hidden, inter = layer.routed("rows"), layer.tokens, layer.hidden, layer.inter
    up = layer.up_count
    every = _format_column(rows, "scaled_every")
    shares = {
        "groups_count": layer.routed("active"),
        "m": routed / layer.routed("active"),
        "spread_log": spread_log(routed, layer.routed("active"), layer.routed("square_rows")),
    }

    def product(n: np.ndarray, k: np.ndarray) -> Call:
        volume = routed * n * k
        return call(
            KernelFamily.MOE_GEMM,
            size,
            math=math,
            n=n,
            k=k,
            work_flop=2.0 * volume,
            vector_flop=np.where(every > 0.0, SCALE_FLOP * volume / np.maximum(every, 1.0), 0.0),
            weight_bytes=layer.routed("active") * n * k * layer.weight_bytes,
            activation_bytes=routed * (k * layer.row_bytes + HALF_BYTES * n),
            **shares,
        )

    whole = call(
        KernelFamily.MOE_GEMM,
        size,
        math=math,
        runs=np.zeros(size, dtype=bool),
        n=up * inter,
        k=hidden,
        work_flop=2.0 * routed * hidden * inter * (up + 1.0),
        weight_bytes=layer.weights(),
        activation_bytes=2.0 * HALF_BYTES * layer.routed("hit_tokens") * hidden,
        **shares,
    )
    is_narrow = layer.row_bytes < HALF_BYTES
    gathered = call(
        KernelFamily.VECTOR,
        size,
        parallel_count=tokens,
        vector_flop=np.where(is_narrow, QUANTISE_FLOP * tokens * hidden, 0.0),
        activation_bytes=(np.where(is_narrow, 2.0, 1.0) * HALF_BYTES * tokens + 2.0 * layer.row_bytes * routed) * hidden,
    )
    activation = call(
        KernelFamily.VECTOR,
        size,
        parallel_count=routed,
        vector_flop=GATE_FLOP * routed * inter,
        exponent_count=np.where(up > 1.0, routed * inter, 0.0),
        activation_bytes=(HALF_BYTES * up + layer.row_bytes) * routed * inter,
    )
    summed = call(
        KernelFamily.VECTOR,
        size,
        parallel_count=tokens,
        vector_flop=SUM_FLOP * routed * hidden,
        activation_bytes=HALF_BYTES * (routed + tokens) * hidden,
    )
    return whole, gathered, product(up * inter, hidden), activation, product(hidden, inter), summed


def spread_log(rows: np.ndarray, active: np.ndarray, square_rows: np.ndarray) -> np.ndarray:
    """Spread d of `KernelBatch` whose second moment is the routing's: E[X^2] / E[X]^2 = d / 2 coth(d / 2).

    Args:
        rows: Of all groups.
        active: Groups with a row.
        square_rows: Sum of squared rows.
    """
    moment = square_rows * active / rows**2
    low, high = np.zeros_like(moment), np.full_like(moment, LARGEST_SPREAD)
    for _ in range(HALVINGS):
        half = 0.25 * (low + high)
        below = half / np.tanh(half) < moment
        low, high = np.where(below, 2.0 * half, low), np.where(below, high, 2.0 * half)
    return np.where(moment < 1.0 + LEAST_EXCESS, 0.0, high)


LARGEST_SPREAD = 100.0
HALVINGS = 50
LEAST_EXCESS = 1e-6


def moe_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Model, sharding, routing, padding and fit of tiles, working set over L2, balance."""
    layer = layer_of(rows)
    routed, active = layer.routed("rows"), layer.routed("active")
    sizes = [number(rows, name) for name in ("num_tokens", *MODEL, *SHARDING)]
    local = sizes[4] / sizes[6]
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    moved = layer.weights() + 2.0 * HALF_BYTES * layer.tokens * layer.hidden
    flop = 2.0 * routed * layer.hidden * layer.inter * (layer.up_count + 1.0)
    flop_per_s = cores * of_chip(rows, chips, "matrix_flop_per_clk") * of_chip(rows, chips, "clock_hz")
    working = (layer.weights(), layer.weights() * local / active, routed * layer.hidden, routed * layer.inter)
    logs = (
        *sizes,
        *(layer.routed(name) for name in ("active", "hit_tokens")),
        *(local, layer.inter, routed / active, layer.routed("most_rows") * active / routed, active / cores, flop),
        *(size / l2_bytes for size in working),
        flop / moved * of_chip(rows, chips, "hbm_bytes_per_s") / flop_per_s,
        *_alignments(layer),
    )
    told = (
        active / local,
        layer.up_count,
        np.array([tuple(FORMATS).index(name) for name in rows["dtype"]], dtype=np.float64),
        np.array([power_of(name) for name in rows["distribution"]]),
        *(routed / (layer.routed(f"tiles_{height}") * height) for height in TILE_ROWS),
        *_fits(layer, cores),
    )
    return np.stack([*(np.log2(np.maximum(one, 1e-9)) for one in logs), *told], axis=1)


def _alignments(layer: Layer) -> list[np.ndarray]:
    return [np.gcd(width.astype(np.int64), LARGEST_ALIGNMENT) for width in (layer.hidden, layer.inter)]


def _fits(layer: Layer, cores: np.ndarray) -> list[np.ndarray]:
    """Waves of tiles over the cores, and how full they are on average, for both products."""
    waves = [
        layer.routed(f"tiles_{height}") * np.ceil(width / columns) / cores
        for height, columns in TILES
        for width in (layer.up_count * layer.inter, layer.hidden)
    ]
    return [*(np.log(one) for one in waves), *(one / np.ceil(one) for one in waves)]


def _format_column(rows: pl.DataFrame, field: str) -> np.ndarray:
    """A field of `ExpertFormat` for each row's `dtype`.

    Raises:
        UnreadableTable: A format that is not in `FORMATS`.
    """
    unknown = sorted(set(rows["dtype"].unique().to_list()) - set(FORMATS))
    if unknown:
        raise UnreadableTable(f"MoE format {unknown[0]!r} is not known; known: {', '.join(FORMATS)}")
    return rows["dtype"].replace_strict({name: getattr(one, field) for name, one in FORMATS.items()}).to_numpy()


BUCKET = (
    pl.when(pl.col("num_tokens") <= 64)
    .then(pl.lit("tokens<=64"))
    .when(pl.col("num_tokens") <= 512)
    .then(pl.lit("tokens 65-512"))
    .otherwise(pl.lit("tokens>512"))
)

MOE = Family(
    name="moe",
    keys=KEYS,
    shape=(*MODEL, *SHARDING),
    read=moe_rows,
    bucket=BUCKET,
    fitted=(
        FittedConstant(name="grouped_hbm_ratio", low=0.75, high=0.97),
        FittedConstant(name="grouped_shared_load_count", low=1.0, high=40.0),
        FittedConstant(name="grouped_wave_clk", low=50.0, high=6000.0),
        FittedConstant(name="grouped_start_clk", low=100.0, high=20000.0),
        FittedConstant(name="grouped_k_step_clk", low=5.0, high=200.0),
        FittedConstant(name="grouped_overlap_exponent", low=1.0, high=4.0),
        FittedConstant(name="grouped_widen_flop", low=1.0, high=40.0),
    ),
    calls=moe_calls,
    features=moe_features,
)
MOE_MODELS = replace(MOE, shape=MODEL)
"""The same rows, with whole models held out."""
