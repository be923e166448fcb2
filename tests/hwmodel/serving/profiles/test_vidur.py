"""Step times out of Vidur's tables against the sum that its predictor makes, row by row."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.errors import BadProfile, OutsideProfile
from hwmodel.serving.profiles import VidurCost, read_vidur
from hwmodel.serving.profiles.vidur import EXACT_KERNEL, TOKEN_KERNELS
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from tests.hwmodel.serving.profiles.profile_files import (
    MOST_CHUNK,
    MOST_CONTEXT,
    MOST_SEQUENCES,
    MOST_TOKENS,
    vidur_rows,
    write_vidur,
)

LAYERS = 3
GQA = 1.1


@pytest.fixture(scope="module")
def cost(tmp_path_factory: pytest.TempPathFactory) -> VidurCost:
    path = write_vidur(tmp_path_factory.mktemp("vidur"))
    return read_vidur(path, layers=LAYERS, tp=2, batching_factor_ratio=GQA, overhead_s=0.0005)


def step_of(prompts: list[tuple[int, int]], decoding: list[int]) -> StepFeatures:
    """Features of prompts as (chunk, context before it) and of decoding sequences' contexts, the new token counted."""
    return StepFeatures(
        chunk_tokens=sum(chunk for chunk, _ in prompts),
        chunk_squares=sum(chunk**2 for chunk, _ in prompts),
        prompt_count=len(prompts),
        prompt_context=sum(chunk * context for chunk, context in prompts),
        prompt_kv=sum(chunk + context for chunk, context in prompts),
        emitting=len(decoding),
        decoding=len(decoding),
        decode_kv=sum(decoding) - len(decoding),
        longest_kv=max(decoding, default=1) - 1,
    )


def predicted_s(prompts: list[tuple[int, int]], decoding: list[int], tp: int) -> float:
    """Vidur's predictor over its dictionaries: every request rounded by itself."""
    ms: dict[tuple[str, int, int], float] = {(kernel, a, b): time for kernel, a, b, time in vidur_rows().iter_rows()}
    tokens = sum(chunk for chunk, _ in prompts) + len(decoding)
    rounded = math.ceil(tokens / 8) * 8
    layer = sum(ms[name, rounded, 0] for name in TOKEN_KERNELS) + ms[EXACT_KERNEL, tokens, 0]
    if tp > 1:
        layer += 2 * (ms["all_reduce", rounded, 0] + 0.02)
    if decoding:
        context = math.ceil(int(np.mean(decoding)) / 64) * 64
        layer += ms["attn_decode", len(decoding), context] * (GQA if len(decoding) > 1 else 1.0)
    if prompts:
        context = sum(math.ceil(before / 64) * 64 for _, before in prompts)
        chunk = round(sum(chunk**2 for chunk, _ in prompts) ** 0.5)
        layer += ms["attn_prefill", context, chunk**2] * (GQA if len(prompts) > 1 else 1.0)
    return LAYERS * layer * 1e-3


fresh = st.lists(st.tuples(st.integers(1, MOST_CHUNK // 2), st.just(0)), max_size=1)
partial = st.lists(st.tuples(st.integers(1, MOST_CHUNK // 2), st.integers(0, MOST_CONTEXT)), max_size=1)
sequences = st.lists(st.integers(1, MOST_CONTEXT), max_size=MOST_SEQUENCES)


@given(fresh, partial, sequences)
@settings(deadline=None)
def test_a_step_takes_what_the_predictor_adds_up(
    cost: VidurCost, new: list[tuple[int, int]], going_on: list[tuple[int, int]], decoding: list[int]
) -> None:
    prompts = [*going_on, *new]
    if not prompts and not decoding:
        return
    told = step_ns(cost, step_of(prompts, decoding))
    assert told == pytest.approx((predicted_s(prompts, decoding, tp=2) + 0.0005) * 1e9, abs=1.0)


def test_one_rank_reduces_nothing(tmp_path: Path) -> None:
    path = write_vidur(tmp_path, vidur_rows(collective=False))
    alone = read_vidur(path, layers=LAYERS, tp=1, batching_factor_ratio=GQA)
    expected = predicted_s([(8, 0)], [100, 200], tp=1) * 1e9
    assert step_ns(alone, step_of([(8, 0)], [100, 200])) == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    ("prompts", "decoding"),
    [
        ([(MOST_CHUNK + 1, 0)], []),
        ([(8, MOST_CONTEXT + 1)], []),
        ([], [MOST_CONTEXT + 1]),
        ([], [10] * (MOST_SEQUENCES + 1)),
        ([(30, 0), (30, 0)], [10] * 6),
    ],
)
def test_a_step_larger_than_the_tables_is_refused(
    cost: VidurCost, prompts: list[tuple[int, int]], decoding: list[int]
) -> None:
    with pytest.raises(OutsideProfile):
        step_ns(cost, step_of(prompts, decoding))


def test_the_largest_sizes_of_the_tables_are_still_told(cost: VidurCost) -> None:
    assert step_ns(cost, step_of([(MOST_CHUNK, MOST_CONTEXT)], [MOST_CONTEXT] * MOST_SEQUENCES)) > 0
    assert cost.dense_ns.size == MOST_TOKENS + 1


def test_times_at_every_eighth_token_are_enough_but_for_the_cache_save(tmp_path: Path) -> None:
    every_eighth = (pl.col("a") % 8 == 0) | ~pl.col("kernel").cast(pl.String).is_in([*TOKEN_KERNELS, "all_reduce"])
    thin = read_vidur(
        write_vidur(tmp_path, vidur_rows().filter(every_eighth)), layers=1, tp=2, batching_factor_ratio=1.0
    )
    (tmp_path / "whole").mkdir()
    whole = read_vidur(write_vidur(tmp_path / "whole"), layers=1, tp=2, batching_factor_ratio=1.0)
    np.testing.assert_allclose(thin.dense_ns, whole.dense_ns)


kernel = pl.col("kernel").cast(pl.String)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (vidur_rows().drop("ms"), "lacks the columns ms"),
        (vidur_rows().clear(), "no rows"),
        (vidur_rows().filter(kernel != "mlp_act"), "lacks mlp_act"),
        (vidur_rows(collective=False), "lacks all_reduce"),
        (pl.concat([vidur_rows(), vidur_rows().tail(1)]), "more than once"),
        (vidur_rows().with_columns(ms=-pl.col("ms")), "ms is negative"),
        (vidur_rows().with_columns(ms=pl.lit(float("nan"), pl.Float32)), "ms is not a number"),
        (vidur_rows().with_columns(ms=pl.lit(None, pl.Float32)), "ms is missing"),
        (vidur_rows().with_columns(a=-pl.col("a")), "a is negative"),
        (vidur_rows().filter((kernel != "add") | (pl.col("a") != 16)), "gap before"),
        (vidur_rows().filter((kernel != "attn_decode") | (pl.col("a") != 3)), "gap before"),
        (vidur_rows().filter((kernel != "attn_decode") | (pl.col("b") != 128)), "gap before"),
        (vidur_rows().filter((kernel != "attn_prefill") | (pl.col("b") != 49) | (pl.col("a") != 64)), "no time for 1"),
        (vidur_rows().with_columns(b=pl.when(kernel == "attn_prefill").then(pl.col("b") + 1).otherwise("b")), "square"),
        (vidur_rows().with_columns(kernel=kernel.replace("attn_rope", "attn_ropes")), "attn_rope"),
        (vidur_rows().with_columns(ms=pl.lit("fast")), "ms is not a number"),
        (vidur_rows().with_columns(a=pl.col("a") + 0.5), "a is not a whole number"),
    ],
)
def test_tables_that_are_not_whole_are_refused_in_one_line(tmp_path: Path, broken: pl.DataFrame, message: str) -> None:
    with pytest.raises(BadProfile, match=message) as refused:
        read_vidur(write_vidur(tmp_path, broken), layers=LAYERS, tp=2, batching_factor_ratio=1.0)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tables.parquet"
    path.write_text("kernel,a,b,ms\n")
    with pytest.raises(BadProfile, match="cannot be read"):
        read_vidur(path, layers=1, tp=1, batching_factor_ratio=1.0)
