"""What each change is worth: alone on the baseline, taken back from the design, and its Shapley share of the gain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from jaxtyping import Float

from hwmodel.design.explain.corners import Point, Replays, changed_columns, corner, rated_designs
from hwmodel.design.search import CURVE
from hwmodel.design.space import DesignSpace

MOST_PLAYERS = 8
"""Changes that are told apart: 256 corners. Of a design with more, the smallest ones share one part."""

Player = tuple[int, ...]
"""Columns of the space that are changed together."""
ValueOf = Callable[[Sequence[Point]], Float[np.ndarray, "points"]]
"""Value per dollar of points; any scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One change of a design. Gains are of value per dollar; replayed ones are None where no fleet was found."""

    parameters: tuple[str, ...]
    alone_ratio: float
    """Gain of this change alone on the baseline, in closed form."""
    lost_ratio: float
    """Share of the design's value that goes when this change alone is taken back, in closed form."""
    alone_replayed_ratio: float | None
    lost_replayed_ratio: float | None
    shapley_ratio: float
    """Share of the design's gain in closed form; the parts add up to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """The parts of a design's gain."""

    gain_ratio: float
    """Whole gain in closed form, the sum of the Shapley parts."""
    gain_replayed_ratio: float | None
    parts: tuple[Part, ...]


def ablation(space: DesignSpace, point: Point, value_of: ValueOf, replays: Replays | None) -> Ablation:
    """Every change of a point alone, taken back, and its Shapley share.

    Args:
        space: Where the point lies.
        point: The design.
        value_of: Closed-form value per dollar, also of corners beyond the limits of a chip: they are thought
            experiments, never recommended.
        replays: Where corners are replayed; None leaves the replayed columns empty.
    """
    players = players_of(space, point, value_of)
    worth = coalition_gains(space, point, players, value_of)
    shares = shapley(worth, len(players))
    whole = frozenset(range(len(players)))
    replayed = _replayed(space, point, players, replays) if replays else {}
    of_base, of_point = replayed.get(frozenset()), replayed.get(whole)
    return Ablation(
        gain_ratio=worth[whole],
        gain_replayed_ratio=_over(of_point, of_base),
        parts=tuple(
            Part(
                parameters=tuple(space.names[column] for column in player),
                alone_ratio=worth[frozenset({at})],
                lost_ratio=1.0 - (1.0 + worth[whole - {at}]) / (1.0 + worth[whole]),
                alone_replayed_ratio=_over(replayed.get(frozenset({at})), of_base),
                lost_replayed_ratio=_lost(replayed.get(whole - {at}), of_point),
                shapley_ratio=float(shares[at]),
            )
            for at, player in enumerate(players)
        ),
    )


def players_of(space: DesignSpace, point: Point, value_of: ValueOf) -> tuple[Player, ...]:
    """One player per change; where there are more than can be told apart, the least valuable ones are one player."""
    changed = changed_columns(space, point)
    if len(changed) <= MOST_PLAYERS:
        return tuple((column,) for column in changed)
    without = value_of([corner(space, point, [c for c in changed if c != column]) for column in changed])
    by_loss = [changed[at] for at in np.argsort(without, kind="stable").tolist()]
    kept, rest = sorted(by_loss[: MOST_PLAYERS - 1]), sorted(by_loss[MOST_PLAYERS - 1 :])
    return (*((column,) for column in kept), tuple(rest))


def coalition_gains(
    space: DesignSpace, point: Point, players: Sequence[Player], value_of: ValueOf
) -> dict[frozenset[int], float]:
    """Gain over the baseline of every subset of the changes, all in one call of the closed form."""
    subsets = [frozenset(c) for size in range(len(players) + 1) for c in combinations(range(len(players)), size)]
    values = value_of([_joined(space, point, players, subset) for subset in subsets])
    return {subset: float(value / values[0] - 1.0) for subset, value in zip(subsets, values, strict=True)}


def shapley(worth: Mapping[frozenset[int], float], count: int) -> Float[np.ndarray, "players"]:
    """Exact Shapley values: each player's mean addition over all orders in which players can join.

    Args:
        worth: Of every subset of the players, the empty one included.
        count: How many players there are.
    """
    shares = np.zeros(count)
    for subset, value in worth.items():
        joined = len(subset)
        for player in range(count):
            if player in subset:
                weight = factorial(joined - 1) * factorial(count - joined) / factorial(count)
                shares[player] += weight * (value - worth[subset - {player}])
    return shares


def _joined(space: DesignSpace, point: Point, players: Sequence[Player], subset: frozenset[int]) -> Point:
    return corner(space, point, [column for at in sorted(subset) for column in players[at]])


def _replayed(
    space: DesignSpace, point: Point, players: Sequence[Player], replays: Replays
) -> dict[frozenset[int], float | None]:
    """Replayed value per dollar of the ends, of each change alone, and of all but it."""
    whole = frozenset(range(len(players)))
    ones = [frozenset({at}) for at in sorted(whole)]
    subsets = list(dict.fromkeys([frozenset[int](), whole, *ones, *(whole - one for one in ones)]))
    found = replays.of(rated_designs(space, [_joined(space, point, players, subset) for subset in subsets]))
    values = (None if e is None else e.curves[CURVE] for e in found)
    return dict(zip(subsets, values, strict=True))


def _over(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base - 1.0


def _lost(without: float | None, value: float | None) -> float | None:
    return None if without is None or not value else 1.0 - without / value
