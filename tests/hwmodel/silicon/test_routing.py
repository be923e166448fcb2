"""Histograms of routing against what can be counted by hand and what every routing must keep."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.routing import COLUMNS, TILE_ROWS, histogram, power_of, routing_of

DISTRIBUTIONS = ("balanced", "power_law_1.01", "power_law_1.2")
layouts = st.sampled_from([(8, 2, 1), (16, 1, 4), (128, 8, 8), (256, 8, 32), (512, 10, 64)])


def told(*key: int | str) -> dict[str, float]:
    return dict(zip(COLUMNS, histogram(*key), strict=True))


def test_balanced_routing_of_eight_experts_is_what_a_pencil_says() -> None:
    """E = 8, k = 2, 5 tokens: token t goes to experts t and t + 4 modulo 8; the first of two ranks holds 0 to 3.

    Choices: 0 4, 1 5, 2 6, 3 7, 4 0. Expert 0 has two rows, 1 to 3 one each; every token is there.
    """
    counts = told(5, 8, 2, 2, "balanced")
    assert counts["rows"] == 5
    assert counts["active"] == 4
    assert counts["hit_tokens"] == 5
    assert counts["most_rows"] == 2
    assert counts["square_rows"] == 7
    assert counts["tiles_8"] == 4


def test_few_balanced_tokens_are_spread_over_the_first_stride() -> None:
    """E = 16, k = 2, 2 tokens: stride 8, first choices 0 and 4, second 8 and 12: two on each of two ranks."""
    counts = told(2, 16, 2, 2, "balanced")
    assert (counts["rows"], counts["active"], counts["hit_tokens"]) == (2, 2, 2)


def test_all_rows_are_on_the_one_rank_that_there_is() -> None:
    for distribution in DISTRIBUTIONS:
        counts = told(1000, 128, 8, 1, distribution)
        assert counts["rows"] == pytest.approx(8000)
        assert counts["hit_tokens"] == pytest.approx(1000)


@given(layout=layouts, tokens=st.integers(1, 3000), distribution=st.sampled_from(DISTRIBUTIONS))
@settings(max_examples=60)
def test_counts_of_a_rank_agree_with_each_other(layout: tuple[int, int, int], tokens: int, distribution: str) -> None:
    experts, topk, ranks = layout
    counts = told(tokens, experts, topk, ranks, distribution)
    rows, active = counts["rows"], counts["active"]
    assert 0.0 < active <= experts / ranks * (1.0 + 1e-9)
    assert rows <= tokens * topk * (1.0 + 1e-9)
    assert counts["hit_tokens"] <= min(tokens, rows) + 1e-9
    assert rows / active <= counts["most_rows"] + 1e-9
    assert counts["most_rows"] <= tokens * (1.0 + 1e-9)
    if distribution == "balanced":
        assert rows**2 / active <= counts["square_rows"] * (1.0 + 1e-9)
    tiles = [counts[f"tiles_{height}"] for height in TILE_ROWS]
    assert all(low >= high - 1e-9 for low, high in pairwise(tiles))
    for height, count in zip(TILE_ROWS, tiles, strict=True):
        assert rows / height - 1e-9 <= count <= rows / height + active + 1e-9


def test_the_busiest_of_many_ranks_has_more_than_its_share() -> None:
    for ranks in (8, 64):
        even = 4096 * 8 / ranks
        assert told(4096, 256, 8, ranks, "balanced")["rows"] == pytest.approx(even)
        assert told(4096, 256, 8, ranks, "power_law_1.2")["rows"] > 1.2 * even


def test_no_expert_gets_more_rows_than_there_are_tokens() -> None:
    """One row per token and a steep law: without the repair the fullest of 16 experts would ask for more."""
    counts = told(64, 16, 8, 1, "power_law_3.0")
    assert 60 < counts["most_rows"] <= 64
    assert counts["rows"] == pytest.approx(512)


def test_the_same_key_draws_the_same_whatever_was_drawn_before() -> None:
    first = histogram.__wrapped__(512, 128, 8, 4, "power_law_1.2")
    histogram.__wrapped__(64, 8, 2, 1, "power_law_1.01")
    assert histogram.__wrapped__(512, 128, 8, 4, "power_law_1.2") == first
    assert histogram.__wrapped__(513, 128, 8, 4, "power_law_1.2") != first


def test_a_frame_is_answered_in_its_order() -> None:
    rows = pl.DataFrame(
        {
            "num_tokens": [64, 1, 64],
            "num_experts": [8, 8, 8],
            "topk": [2, 2, 2],
            "moe_ep_size": [1, 1, 1],
            "distribution": ["balanced", "balanced", "power_law_1.2"],
        }
    )
    routing = routing_of(rows)
    assert routing.columns == list(COLUMNS)
    assert routing["rows"].to_list() == pytest.approx([128.0, 2.0, 128.0])
    assert routing["tiles_16"][0] == 8


@pytest.mark.parametrize("name", ["uniform", "power_law_", "power_law_1.0", "power_law_-2", "1.2", "power_law_x"])
def test_unknown_routings_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnreadableTable, match=name or "routing"):
        power_of(name)


@pytest.mark.parametrize(("experts", "topk", "ranks"), [(10, 2, 4), (8, 9, 1), (8, 0, 1)])
def test_layouts_that_cannot_be_are_refused(experts: int, topk: int, ranks: int) -> None:
    with pytest.raises(UnreadableTable, match="experts"):
        histogram(4, experts, topk, ranks, "balanced")
