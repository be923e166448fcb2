"""Step times out of LLMServingSim's grids against the laws that the grids were made from."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.serving.config import KvSkew
from hwmodel.serving.errors import BadProfile, OutsideProfile
from hwmodel.serving.profiles import LlmServingSimCost, ProfileChoice, read_llmservingsim
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from tests.hwmodel.serving.profiles.profile_files import (
    LAYERS_OF,
    attention_rows,
    attention_us,
    dense_rows,
    dense_us,
    sequence_rows,
    skew_rows,
    write_llmservingsim,
)
from tests.hwmodel.serving.profiles.test_vidur import step_of

LAYERS = 4
ONCE = ("embedding", "final_layernorm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llmservingsim(tmp_path_factory.mktemp("llmservingsim"))


@pytest.fixture(scope="module")
def cost(folder: Path) -> LlmServingSimCost:
    return read_llmservingsim(folder, ProfileChoice(tp=1), layers=LAYERS, overhead_s=0.001)


def expected_ns(step: StepFeatures, attention: float) -> float:
    tokens, sequences = step.chunk_tokens + step.decoding, step.prompt_count + step.decoding
    layer = sum(dense_us(name, tokens) for name in LAYERS_OF if name not in ONCE) + dense_us("layernorm", tokens)
    once = sum(dense_us(name, tokens) for name in ONCE)
    sampled = (100.0 + sequences) + (10.0 + 2.0 * sequences)
    return 1e3 * (LAYERS * (layer + attention) + once + sampled) + 1e6


@given(st.integers(16, 56), st.integers(0, 200), st.integers(1, 8), st.integers(65, 513))
@settings(deadline=None)
def test_one_prompt_and_equal_contexts_take_the_sum_of_their_layers(
    cost: LlmServingSimCost, chunk: int, context: int, decoding: int, kv: int
) -> None:
    step = step_of([(chunk, context)], [kv] * decoding)
    attention = attention_us(chunk, context, decoding, kv - 1)
    assert step_ns(cost, step) == pytest.approx(expected_ns(step, attention), abs=1.5)


def test_a_step_without_prompts_is_looked_up_among_steps_without_prompts(cost: LlmServingSimCost) -> None:
    step = step_of([], [129, 129])
    assert step_ns(cost, step) == pytest.approx(expected_ns(step, attention_us(0, 0, 2, 128)), abs=1.5)


def test_a_step_of_prompts_alone_does_not_see_contexts_of_others(cost: LlmServingSimCost) -> None:
    step = step_of([(32, 64)], [])
    assert step_ns(cost, step) == pytest.approx(expected_ns(step, attention_us(32, 64, 0, 0)), abs=1.5)


def test_several_prompts_count_as_one_with_as_many_pairs_of_query_and_key(cost: LlmServingSimCost) -> None:
    """Two prompts of 16 behind 100 and 36: 16 x 136 + 2 x 16^2 / 2 pairs are those of 32 behind 60."""
    two, one = step_of([(16, 100), (16, 36)], [100]), step_of([(32, 60)], [100])
    assert two.prompt_context + two.chunk_squares / 2 == one.prompt_context + one.chunk_squares / 2
    extra = step_ns(cost, two) - step_ns(cost, one)
    assert extra == pytest.approx(3e3, abs=1.5)  # one more row for LM head and sampler


def test_short_prompts_are_not_charged_the_square_of_their_sum(cost: LlmServingSimCost) -> None:
    many, single = step_of([(8, 0)] * 4, []), step_of([(32, 0)], [])
    sampled = 3e3 * 3
    assert step_ns(cost, many) - sampled < step_ns(cost, single)


def test_sizes_below_the_smallest_measured_take_its_time(cost: LlmServingSimCost) -> None:
    short, shortest = step_of([], [3, 3]), step_of([], [65, 65])
    assert step_ns(cost, short) == step_ns(cost, shortest)


@pytest.mark.parametrize(
    ("prompts", "decoding"),
    [([(65, 0)], []), ([(8, 300)], []), ([], [514]), ([], [100] * 9), ([(60, 0)], [10] * 5), ([], [600, 10])],
)
def test_a_step_larger_than_the_grids_is_refused(
    cost: LlmServingSimCost, prompts: list[tuple[int, int]], decoding: list[int]
) -> None:
    with pytest.raises(OutsideProfile):
        step_ns(cost, step_of(prompts, decoding))


@pytest.mark.parametrize(("repeats", "asked"), [(1, KvSkew.AUTO), (1, KvSkew.ON), (3, KvSkew.ON)])
def test_unequal_contexts_cost_what_was_planted(
    tmp_path: Path, cost: LlmServingSimCost, repeats: int, asked: KvSkew
) -> None:
    folder = write_llmservingsim(tmp_path, skew=skew_rows(0.25, repeats))
    unequal = read_llmservingsim(folder, ProfileChoice(tp=1), layers=LAYERS, overhead_s=0.001, kv_skew=asked)
    step = step_of([(16, 0)], [65, 65, 65, 257])
    low, high = (attention_us(16, 0, 4, history) for history in (112, 256))
    assert step_ns(cost, step) == pytest.approx(expected_ns(step, low), abs=1.5)
    told = step_ns(unequal, step)
    assert told == pytest.approx(expected_ns(step, low + 0.25 * (high - low)), rel=1e-4)
    even = step_of([(16, 0)], [113] * 4)
    assert step_ns(unequal, even) == step_ns(cost, even)


@pytest.mark.parametrize(("repeats", "asked"), [(3, KvSkew.AUTO), (1, KvSkew.OFF)])
def test_a_sweep_that_was_timed_in_another_way_corrects_nothing_unless_asked(
    tmp_path: Path, cost: LlmServingSimCost, repeats: int, asked: KvSkew
) -> None:
    folder = write_llmservingsim(tmp_path, skew=skew_rows(0.25, repeats))
    plain = read_llmservingsim(folder, ProfileChoice(tp=1), layers=LAYERS, overhead_s=0.001, kv_skew=asked)
    step = step_of([(16, 0)], [65, 65, 65, 257])
    assert step_ns(plain, step) == step_ns(cost, step)


def test_a_folder_without_unequal_batches_cannot_be_asked_for_their_cost(tmp_path: Path) -> None:
    folder = write_llmservingsim(tmp_path)
    with pytest.raises(BadProfile, match="kernels_skew"):
        read_llmservingsim(folder, ProfileChoice(tp=1), layers=1, kv_skew=KvSkew.ON)
    assert read_llmservingsim(folder, ProfileChoice(tp=1), layers=1).alpha_ratio.max() == 0.0


def test_batches_too_large_for_the_card_go_on_in_a_straight_line(tmp_path: Path, cost: LlmServingSimCost) -> None:
    fits = (pl.col("n_decode") * pl.col("kv_decode") < 1024) & ~((pl.col("n_decode") == 8) & (pl.col("kv_prefill") > 0))
    folder = write_llmservingsim(tmp_path, attention=attention_rows().filter(fits))
    some = read_llmservingsim(folder, ProfileChoice(tp=1), layers=LAYERS, overhead_s=0.001)
    step = step_of([(32, 200)], [500] * 8)
    assert step_ns(some, step) == pytest.approx(step_ns(cost, step), abs=2.0)


def second_card(rows: pl.DataFrame) -> pl.DataFrame:
    slower = rows.with_columns(pl.col("time_us") * 2, pl.lit("CardB").alias("hw"))
    return pl.concat([rows, slower])


def test_one_of_several_profiles_is_chosen_by_name(tmp_path: Path, cost: LlmServingSimCost) -> None:
    write_llmservingsim(
        tmp_path,
        dense=second_card(dense_rows()),
        per_sequence=second_card(sequence_rows()),
        attention=second_card(attention_rows()),
    )
    step = step_of([(16, 0)], [100])
    first, second = (
        read_llmservingsim(tmp_path, ProfileChoice(tp=1, hardware=name), layers=LAYERS) for name in ("CardA", "CardB")
    )
    assert step_ns(first, step) == step_ns(cost, step) - 1_000_000
    assert step_ns(second, step) == pytest.approx(2 * step_ns(first, step), abs=2)
    with pytest.raises(BadProfile, match=r"several profiles fit.*CardA.*CardB"):
        read_llmservingsim(tmp_path, ProfileChoice(tp=1), layers=LAYERS)
    with pytest.raises(BadProfile, match=r"no profile fits hw CardC.*CardA.*CardB"):
        read_llmservingsim(tmp_path, ProfileChoice(tp=1, hardware="CardC"), layers=LAYERS)


def test_several_ranks_are_refused_since_nothing_tells_their_collectives(folder: Path) -> None:
    with pytest.raises(BadProfile, match="collectives"):
        read_llmservingsim(folder, ProfileChoice(tp=2), layers=LAYERS)


def test_layers_that_only_some_llms_have_are_counted(tmp_path: Path, cost: LlmServingSimCost) -> None:
    norm = dense_rows().filter(pl.col("layer") == "act_fn").with_columns(layer=pl.lit("qk_norm"))
    folder = write_llmservingsim(tmp_path, dense=pl.concat([dense_rows(), norm]))
    normed = read_llmservingsim(folder, ProfileChoice(tp=1), layers=LAYERS, overhead_s=0.001)
    step = step_of([(16, 0)], [])
    extra = step_ns(normed, step) - step_ns(cost, step)
    assert extra == pytest.approx(1e3 * LAYERS * dense_us("act_fn", 16), abs=1.5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dense": dense_rows().filter(pl.col("layer") != "o_proj")}, "lacks o_proj"),
        ({"dense": dense_rows().with_columns(layer=pl.col("layer").replace("o_proj", "moe"))}, "lacks o_proj"),
        ({"dense": dense_rows().drop("tokens")}, "lacks the columns tokens"),
        ({"dense": dense_rows().with_columns(time_us=-pl.col("time_us"))}, "time_us is negative"),
        ({"per_sequence": sequence_rows().head(3)}, "lacks sampler"),
        ({"attention": pl.concat([attention_rows(), attention_rows().tail(1)])}, "more than once"),
        ({"attention": attention_rows().filter(pl.col("n_decode") < 2)}, "n_decode has fewer than two sizes"),
        ({"attention": attention_rows().with_columns(hw=pl.lit("CardB"))}, "has no row of CardA"),
        (
            {"attention": attention_rows().filter((pl.col("prefill_chunk") != 32) | (pl.col("n_decode") > 2))},
            "were not",
        ),
    ],
)
def test_profiles_that_are_not_whole_are_refused(
    tmp_path: Path, changed: dict[str, pl.DataFrame], message: str
) -> None:
    with pytest.raises(BadProfile, match=message):
        read_llmservingsim(write_llmservingsim(tmp_path, **changed), ProfileChoice(tp=1), layers=LAYERS)


def test_a_folder_without_a_profile_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BadProfile, match=r"kernels_dense\.parquet"):
        read_llmservingsim(tmp_path, ProfileChoice(tp=1), layers=1)
    with pytest.raises(BadProfile, match="not a folder"):
        read_llmservingsim(tmp_path / "nowhere", ProfileChoice(tp=1), layers=1)
