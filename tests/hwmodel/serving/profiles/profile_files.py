"""Small kernel profiles in both layouts, with times that follow simple laws."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import polars as pl

from hwmodel.serving.profiles.vidur import EXACT_KERNEL, TOKEN_KERNELS

CONTEXT_STEP = 64
MOST_TOKENS, MOST_SEQUENCES, MOST_CHUNK, MOST_CONTEXT = 64, 6, 32, 512


def vidur_rows(*, collective: bool = True) -> pl.DataFrame:
    """Every kernel and size; each kernel has a time of its own that grows with both sizes."""
    return pl.DataFrame(
        list(_vidur_rows(collective=collective)),
        schema={"kernel": pl.Categorical, "a": pl.Int32, "b": pl.Int32, "ms": pl.Float32},
        orient="row",
    )


def _vidur_rows(*, collective: bool) -> Iterator[tuple[str, int, int, float]]:
    names = (*TOKEN_KERNELS, EXACT_KERNEL, *(["all_reduce"] if collective else []))
    for number, name in enumerate(names, start=1):
        for tokens in range(1, MOST_TOKENS + 1):
            yield name, tokens, 0, 0.01 * number + 0.001 * tokens
    contexts = range(0, MOST_CONTEXT + 1, CONTEXT_STEP)
    for sequences, context in product(range(1, MOST_SEQUENCES + 1), contexts):
        yield "attn_decode", sequences, context, 0.002 * sequences + 0.0001 * context
    for context, chunk in product(contexts, range(1, MOST_CHUNK + 1)):
        yield "attn_prefill", context, chunk**2, 0.003 * chunk + 0.00005 * context


def write_vidur(folder: Path, rows: pl.DataFrame | None = None) -> Path:
    path = folder / "tables.parquet"
    (vidur_rows() if rows is None else rows).write_parquet(path)
    return path


LAYERS_OF = {
    "embedding": 3.0,
    "final_layernorm": 5.0,
    "layernorm": 7.0,
    "qkv_proj": 11.0,
    "rotary_emb": 13.0,
    "o_proj": 17.0,
    "gate_up_proj": 19.0,
    "act_fn": 23.0,
    "down_proj": 29.0,
}
"""Microseconds at one token; each further token adds a tenth."""
TOKENS_AT = (1, 2, 4, 8, 16, 32, 64)
CHUNK_AT, CONTEXT_AT = (0, 16, 32, 64), (0, 64, 128, 256)
DECODING_AT, HISTORY_AT = (0, 1, 2, 4, 8), (0, 64, 128, 256, 512)
ORIGIN = {"hw": "CardA", "model": "maker/llm", "variant": "bf16", "tp": 1}


def dense_us(layer: str, tokens: float) -> float:
    return LAYERS_OF[layer] * (1.0 + 0.1 * (tokens - 1))


def attention_us(chunk: float, context: float, decoding: float, history: float) -> float:
    """Linear in each axis, so that straight lines meet it everywhere."""
    return 2.0 + 0.01 * chunk * (1.0 + 0.01 * context) + 0.02 * decoding * (1.0 + 0.01 * history)


def dense_rows() -> pl.DataFrame:
    return _of(
        {"layer": [n for n in LAYERS_OF for _ in TOKENS_AT], "tokens": list(TOKENS_AT) * len(LAYERS_OF)},
        [dense_us(name, tokens) for name, tokens in product(LAYERS_OF, TOKENS_AT)],
    )


def sequence_rows() -> pl.DataFrame:
    sizes = (1, 2, 4, 8, 16)
    names = ("lm_head", "sampler")
    return _of(
        {"layer": [n for n in names for _ in sizes], "sequences": list(sizes) * 2},
        [100.0 + n for n in sizes] + [10.0 + 2.0 * n for n in sizes],
    )


def attention_rows() -> pl.DataFrame:
    """As the profiler writes them: no context without its sequences, none below the first size where there are some."""
    cells = [
        (chunk, context, decoding, history)
        for chunk, context, decoding, history in product(CHUNK_AT, CONTEXT_AT, DECODING_AT, HISTORY_AT)
        if (chunk > 0 or context == 0) and (decoding == 0) == (history == 0) and (chunk > 0 or decoding > 0)
    ]
    columns = dict(
        zip(
            ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode"),
            map(list, zip(*cells, strict=True)),
            strict=True,
        )
    )
    return _of(columns, [attention_us(*cell) for cell in cells])


def skew_rows(alpha: float, repeats: int) -> pl.DataFrame:
    """Batches of long and short contexts that lie `alpha` of the way to the longest, timed in sum over repeats."""
    cases = list(product((0, 16, 64), (2, 4, 8), (1.0, 2.0, 4.0), (64, 128)))
    rows = []
    for chunk, decoding, ratio, short in cases:
        long = int(short * ratio)
        mean = short + (long - short) // decoding
        low, high = (attention_us(chunk, 0, decoding, history) for history in (mean, long))
        rows.append((decoding, chunk, 0, long, mean, repeats * low, repeats * (low + alpha * (high - low))))
    names = ("n", "pc", "kp", "kv_big", "kv_mean", "t_mean_us", "t_skew_us")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(pl.lit(value).alias(name) for name, value in ORIGIN.items())


def write_llmservingsim(folder: Path, **changed: pl.DataFrame) -> Path:
    frames = {"dense": dense_rows(), "per_sequence": sequence_rows(), "attention": attention_rows(), **changed}
    for kind, rows in frames.items():
        rows.write_parquet(folder / f"carda_kernels_{kind}.parquet")
    return folder


def _of(columns: dict[str, list[int] | list[str]], times: list[float]) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(
        pl.Series("time_us", times), *(pl.lit(value).alias(name) for name, value in ORIGIN.items())
    )
