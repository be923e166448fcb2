from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp, kstest

from featurize.completion import complete_tokens, uniform_draw
from featurize.survival import MIN_LIKE_CALLS_COUNT


def frame_of(tokens: Any, whole: Any, *, kind: Any = "a") -> pl.LazyFrame:
    count = len(tokens)
    return pl.LazyFrame(
        {
            "call_id": [f"c{number}" for number in range(count)],
            "tokens": pl.Series(tokens, dtype=pl.Int64),
            "whole": whole,
            "kind": [kind] * count if isinstance(kind, str) else kind,
        }
    )


def completed(frame: pl.LazyFrame, seed: int = 0) -> pl.DataFrame:
    done = complete_tokens(frame, tokens="tokens", is_complete="whole", like=("kind",), seed=seed).collect()
    return frame.select("call_id", seen="tokens", whole="whole").collect().join(done, on="call_id")


def cut_at_random(count: int, seed: int) -> tuple[Any, Any, Any]:
    """Intended counts, what was seen of them, and whether that was all."""
    rng = np.random.default_rng(seed)
    intended = rng.lognormal(5.5, 1.0, count).astype(np.int64) + 1
    patience = rng.lognormal(6.0, 1.0, count).astype(np.int64) + 1
    return intended, np.minimum(intended, patience), intended <= patience


def test_the_law_of_intended_counts_is_recovered_from_cut_ones() -> None:
    intended, seen, whole = cut_at_random(20_000, seed=2)
    result = completed(frame_of(seen, whole))
    assert 0.2 < 1 - whole.mean() < 0.5
    assert ks_2samp(seen[whole], intended).statistic > 0.1
    assert ks_2samp(result["tokens"], intended).statistic < 0.015
    assert ks_2samp(result.filter(~pl.col("whole"))["tokens"], intended[~whole]).statistic < 0.03


def test_no_count_shrinks_and_whole_counts_stay() -> None:
    _, seen, whole = cut_at_random(5000, seed=3)
    result = completed(frame_of(seen, whole))
    assert (result["tokens"] >= result["seen"]).all()
    assert result.filter("whole").select((pl.col("tokens") == pl.col("seen")).all()).item()


def test_draws_follow_the_product_limit_law_computed_by_hand() -> None:
    # Whole at 10, 20, 40; cut at 20 and 30. S(10) = 4/5, S(20) = 4/5 * 3/4 = 3/5, S(40) = 0: of the unknown counts
    # 1/5 are 10, 1/5 are 20, 3/5 are 40; whoever was cut at 20 or 30 wants 40.
    copies = 2000
    tokens = [10, 20, 40, 20, 30] * 40 + [None] * copies
    whole = [True, True, True, False, False] * 40 + [False] * copies
    result = completed(frame_of(tokens, whole))
    unknown = result.filter(pl.col("seen").is_null())["tokens"].value_counts(normalize=True).sort("tokens")
    assert unknown["tokens"].to_list() == [10, 20, 40]
    assert unknown["proportion"].to_list() == pytest.approx([0.2, 0.2, 0.6], abs=0.03)
    cut = result.filter(~pl.col("whole") & pl.col("seen").is_not_null())
    assert cut["tokens"].unique().to_list() == [40]


def test_a_cut_beyond_every_whole_count_keeps_what_was_seen() -> None:
    result = completed(frame_of([5] * 40 + [900, 70], [True] * 40 + [False, False]))
    assert result["tokens"].to_list()[-2:] == [900, 900]


def test_thin_groups_borrow_from_wider_ones_and_full_groups_do_not() -> None:
    full, thin = MIN_LIKE_CALLS_COUNT, MIN_LIKE_CALLS_COUNT - 1
    tokens = [7] * full + [5000] * thin + [None] * 400
    whole = [True] * (full + thin) + [False] * 400
    kind = ["full"] * full + ["thin"] * thin + ["full"] * 200 + ["thin"] * 200
    result = completed(frame_of(tokens, whole, kind=kind)).filter(~pl.col("whole"))
    drawn = {name: set(part["tokens"]) for (name,), part in result.group_by("kind")}
    assert drawn == {"full": {7}, "thin": {7, 5000}}


def test_the_tail_that_a_cut_group_cannot_show_is_borrowed_from_a_wider_one() -> None:
    # Everybody wants 10 or 1000 with equal chance; group b cuts whoever wants 1000 at 50, group a cuts nobody.
    tokens = [10, 1000] * 500 + [10, 50] * 500
    whole = [True] * 1000 + [True, False] * 500
    result = completed(frame_of(tokens, whole, kind=["a"] * 1000 + ["b"] * 1000)).filter(~pl.col("whole"))
    assert set(result["tokens"]) == {1000}


def test_the_same_seed_gives_the_same_counts_in_any_order_and_another_seed_others() -> None:
    _, seen, whole = cut_at_random(2000, seed=4)
    frame = frame_of(seen, whole)
    once = completed(frame).sort("call_id")
    assert once.equals(completed(frame.reverse()).sort("call_id"))
    assert not once.equals(completed(frame, seed=1).sort("call_id"))


def test_nothing_known_stays_null() -> None:
    assert completed(frame_of([None, None], [False, False]))["tokens"].to_list() == [None, None]


def test_draws_of_names_are_uniform_and_seeds_are_independent() -> None:
    names = pl.LazyFrame({"call_id": [f"call-{number}" for number in range(50_000)]})
    draws = names.select(uniform_draw("call_id", seed=seed).alias(str(seed)) for seed in (0, 1)).collect()
    assert kstest(draws["0"].to_numpy(), "uniform").statistic < 0.01
    assert abs(np.corrcoef(draws["0"], draws["1"])[0, 1]) < 0.02
