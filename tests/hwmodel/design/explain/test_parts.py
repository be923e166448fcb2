"""Parts of a gain: Shapley's axioms on planted values, and the two ablations beside them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from hwmodel.design import DesignSpace
from hwmodel.design.explain import ablation, shapley
from hwmodel.design.explain.corners import Point, changed_columns
from hwmodel.design.explain.parts import MOST_PLAYERS, players_of
from tests.hwmodel.design.cheap_replay import small_space

Worth = Callable[[frozenset[int]], float]


def coalitions(count: int, worth: Worth) -> dict[frozenset[int], float]:
    subsets = [frozenset(c) for size in range(count + 1) for c in combinations(range(count), size)]
    return {subset: worth(subset) for subset in subsets}


def raised(space: DesignSpace, *names: str) -> Point:
    point = space.base_point
    for name in names:
        column = space.names.index(name)
        point[column] = max(space.parameters[column].levels)
    return point


def test_an_additive_game_gives_each_player_what_it_adds() -> None:
    own = np.array([0.3, -0.1, 0.05, 0.2])
    shares = shapley(coalitions(4, lambda s: float(sum(own[at] for at in s))), 4)
    assert shares == pytest.approx(own)


def test_players_that_do_the_same_get_the_same() -> None:
    shares = shapley(coalitions(3, lambda s: 1.0 if {0, 1} <= s else 0.0), 3)
    assert shares == pytest.approx([0.5, 0.5, 0.0])


def test_parts_sum_to_the_whole_of_any_game() -> None:
    rng = np.random.default_rng(4)
    worth = coalitions(5, lambda s: float(rng.random()) if s else 0.0)
    assert shapley(worth, 5).sum() == pytest.approx(worth[frozenset(range(5))])


def test_an_additive_model_gives_shares_that_equal_add_one() -> None:
    space = small_space()
    point = raised(space, "clock_hz", "l2_bytes", "hbm_generation")
    base = space.base_point

    def value_of(points: Sequence[Point]) -> np.ndarray:
        moved = np.array([~np.isclose(p, base) for p in points], dtype=float)
        return 1.0 + moved @ np.arange(1, len(base) + 1) * 0.1

    found = ablation(space, point, value_of, None)
    assert [part.parameters for part in found.parts] == [(space.names[c],) for c in changed_columns(space, point)]
    for part in found.parts:
        assert part.shapley_ratio == pytest.approx(part.alone_ratio)
        assert part.lost_ratio == pytest.approx(part.alone_ratio / (1.0 + found.gain_ratio))
        assert (part.alone_replayed_ratio, part.lost_replayed_ratio) == (None, None)
    assert sum(part.shapley_ratio for part in found.parts) == pytest.approx(found.gain_ratio)


def test_two_changes_that_need_each_other_disagree_alone_and_taken_back() -> None:
    space = small_space()
    point = raised(space, "clock_hz", "hbm_generation")

    def value_of(points: Sequence[Point]) -> np.ndarray:
        return np.array([1.5 if np.allclose(p, point) else 1.0 for p in points])

    for part in ablation(space, point, value_of, None).parts:
        assert part.alone_ratio == pytest.approx(0.0)
        assert part.lost_ratio == pytest.approx(1.0 / 3.0)
        assert part.shapley_ratio == pytest.approx(0.25)


def test_more_changes_than_can_be_told_apart_share_one_part_and_still_sum_to_the_gain() -> None:
    space = small_space()
    extra = tuple(replace(space.parameters[0], name=f"extra_{at}", levels=(0.0, 1.0)) for at in range(10))
    names = tuple(p.name for p in extra)

    class Wide(DesignSpace):
        """A space of ten switches."""

        def values_of_baseline(self) -> dict[str, float]:
            return dict.fromkeys(names, 0.0)

    weights = np.arange(1.0, 11.0) * 0.01
    wide = Wide(baseline=space.baseline, parameters=extra)
    point = np.ones(10)

    def value_of(points: Sequence[Point]) -> np.ndarray:
        return np.array([1.0 + float(p @ weights) for p in points])

    players = players_of(wide, point, value_of)
    assert len(players) == MOST_PLAYERS
    assert players[-1] == (0, 1, 2)
    found = ablation(wide, point, value_of, None)
    assert sum(part.shapley_ratio for part in found.parts) == pytest.approx(weights.sum())
