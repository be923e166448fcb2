"""Which designs are replayed next: where gain is expected, where least is known, and what the bill asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float, Int

from hwmodel.design.search.hypervolume import expected_improvement, hypervolume, pareto_order
from hwmodel.design.search.known import Candidates, Known, Learned, believing

SHORTLIST = 2_000
"""Designs whose doubt is told anew after each pick of a batch: those of most expected gain before it."""
CHOICE = 250
"""Designs of the closed form's first fronts to choose from, per design of the first batch."""
PROMISING_SD = 1.645
"""A design is worth exploring if this many deviations above its mean it would reach the front."""


class Slot(StrEnum):
    """Why a design is replayed."""

    CLOSED_FORM = "closed form"
    GAIN = "expected gain"
    EXPLORE = "least known"
    RELIEF = "relieves the bill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A row to replay."""

    row: int
    slot: Slot


def first_batch(
    candidates: Candidates, count: int, rng: np.random.Generator, *, taken: Sequence[int] = ()
) -> list[Pick]:
    """The closed form's fronts in order, and one design drawn at random; no two alike in all but one parameter."""
    rows = spread_out(candidates.points, pareto_order(candidates.closed, CHOICE * count), count - 1, taken=taken)
    drawn = spread_out(candidates.points, rng.permutation(len(candidates)), 1, taken=[*taken, *rows])
    return [Pick(row=row, slot=Slot.CLOSED_FORM) for row in rows] + [Pick(row=r, slot=Slot.EXPLORE) for r in drawn]


def spread_out(
    points: Float[np.ndarray, "designs parameters"],
    order: Int[np.ndarray, "rows"],
    count: int,
    *,
    taken: Sequence[int],
) -> list[int]:
    """The first rows in order that differ from each other and from `taken` in at least two parameters."""
    chosen: list[int] = []
    for row in order.tolist():
        if len(chosen) == count:
            break
        others = points[[*taken, *chosen]] if taken or chosen else points[:0]
        if (np.sum(~np.isclose(others, points[row]), axis=1) >= 2).all():
            chosen.append(row)
    return chosen


def next_batch(
    candidates: Candidates, known: Known, told: Learned, *, count: int, relieving: Sequence[int], taken: Sequence[int]
) -> list[Pick]:
    """Designs of most expected gain, each chosen as if those before it had come out as predicted.

    Args:
        candidates: All designs.
        known: Replayed ones.
        told: Predictions.
        count: Designs; with three or more, one explores and one relieves the bill.
        relieving: Rows that relieve the resource which the bill of the best design names, most wanted first.
        taken: Rows that are not to be replayed again.
    """
    gone = set(taken)
    picks: list[Pick] = []

    def take(row: int, slot: Slot) -> None:
        picks.append(Pick(row=row, slot=slot))
        gone.add(row)

    relief = next((row for row in relieving if row not in gone), None)
    if count >= 3 and relief is not None:
        take(relief, Slot.RELIEF)
    if count >= 3:
        unsure = _least_known(candidates, known, told, gone)
        if unsure is not None:
            take(unsure, Slot.EXPLORE)
    front = known.values[known.able]
    gain = expected_gain(candidates, told, front)
    shortlist = np.argsort(-gain, kind="stable")[:SHORTLIST]
    for pick in picks:
        told = believing(candidates, told, pick.row, shortlist)
    while len(picks) < count:
        gain = _gain_of(candidates, told, front, shortlist)
        free = [(value, -row) for value, row in zip(gain.tolist(), shortlist.tolist(), strict=True) if row not in gone]
        if not free:
            break
        row = -max(free)[1]
        take(row, Slot.GAIN)
        front = np.concatenate([front, told.mean[[row]]])
        told = believing(candidates, told, row, shortlist)
    return sorted(picks, key=lambda pick: list(Slot).index(pick.slot))


def expected_gain(
    candidates: Candidates, told: Learned, front: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "designs"]:
    """Expected hypervolume improvement of every candidate, times how likely it keeps its promises."""
    return _gain_of(candidates, told, front, np.arange(len(candidates)))


def gain_ratio(candidates: Candidates, known: Known, told: Learned) -> float:
    """The largest expected gain of a design not replayed yet, over what the front dominates now."""
    front = known.values[known.able]
    gain = expected_gain(candidates, told, front)
    gain[list(known.rows)] = 0.0
    area = hypervolume(front, candidates.reference)
    return float(gain.max() / area) if area > 0.0 else float("inf")


def _gain_of(
    candidates: Candidates, told: Learned, front: Float[np.ndarray, "points 2"], rows: Int[np.ndarray, "rows"]
) -> Float[np.ndarray, "rows"]:
    gain = expected_improvement(told.mean[rows], told.sd[rows], front, candidates.reference)
    return gain * told.able_ratio[rows]


def _least_known(candidates: Candidates, known: Known, told: Learned, gone: set[int]) -> int | None:
    """The widest interval among designs that could reach the front."""
    best = known.values[known.able].max(axis=0)
    hopeful = (told.mean + PROMISING_SD * told.sd >= best).any(axis=1)
    order = np.argsort(-np.where(hopeful, told.sd.max(axis=1), -np.inf), kind="stable")
    return next((row for row in order.tolist() if row not in gone), None) if len(candidates) else None
