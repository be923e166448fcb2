"""How likely each call was to be sat out by whoever waited for it, given how long it took: the hazard of leaving."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

MIN_EXPOSED_COUNT = 10.0
"""Waits that must have been exposed in a cell for its hazard to be used. Assumed, as for `featurize.survival`."""

MOST_LEFT_RATIO = 0.99
"""Of those exposed in a cell at most this share is taken to have left, so that logarithms stay finite. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Columns over calls: how long each was waited for, on the grid of `featurize.wait_cells`, and whether in vain.

    A call waits until its first token and then, told apart, until its last; one without first token waits until its
    end.
    """

    stratum: Int[np.ndarray, "calls"]
    """From 0: calls of different strata have hazards of their own."""
    wait_cell: Int[np.ndarray, "calls"]
    """Cell of the first token, or of the end where none came; -1 or more."""
    end_cell: Int[np.ndarray, "calls"]
    """Cell of the end; not below `wait_cell`."""
    is_waiting: Bool[np.ndarray, "calls"]
    """No first token was seen."""
    is_left: Bool[np.ndarray, "calls"]


def leaving_hazards(waits: Waits) -> Float[np.ndarray, "calls"]:
    """Cumulated hazard of leaving during each call: 0 or more; its exponential turned over is the chance to stay.

    Product-limit estimates on cells of 2 % (life tables, Cutler and Ederer, J. Chronic Dis. 8 (1958) 699), by stratum:
    one of the wait for the first token, and one of the time since the request after it, which calls enter when their
    first token comes (delayed entry, as in Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data,
    2002, section 1.3). Who enters, goes or is answered in a cell counts half in it, and a call that ends in a cell has
    half the cell's hazard. It takes leaving after the first token to depend on the time since the request alone.
    """
    if waits.stratum.size == 0:
        return np.zeros(0)
    width = int(waits.end_cell.max()) + 2
    shape = (int(waits.stratum.max()) + 1, width)
    at_first, at_end = waits.stratum * width + waits.wait_cell + 1, waits.stratum * width + waits.end_cell + 1
    answered = ~waits.is_waiting
    in_vain, given_up = waits.is_waiting & waits.is_left, answered & waits.is_left
    begun = np.zeros(shape, dtype=np.int64)
    begun[:, 0] = np.bincount(waits.stratum)
    waiting = _cumulated(begun, _counts(at_first, shape), _counts(at_first[in_vain], shape), entering_exposed_ratio=1.0)
    entered, ended = _counts(at_first[answered], shape), _counts(at_end[answered], shape)
    after = _cumulated(entered, ended, _counts(at_end[given_up], shape), entering_exposed_ratio=0.5)
    return np.asarray(waiting[at_first] + np.where(answered, after[at_end] - after[at_first], 0.0))


def _counts(place: Int[np.ndarray, "calls"], shape: tuple[int, int]) -> Int[np.ndarray, "strata cells"]:
    return np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)


def _cumulated(
    entered: Int[np.ndarray, "strata cells"],
    ended: Int[np.ndarray, "strata cells"],
    left: Int[np.ndarray, "strata cells"],
    *,
    entering_exposed_ratio: float,
) -> Float[np.ndarray, "places"]:
    """Cumulated hazard in the middle of each cell, stratum after stratum; cells with too few exposed add nothing."""
    staying = (entered - ended).cumsum(axis=1) - (entered - ended)
    exposed = staying + entering_exposed_ratio * entered - (ended - left) / 2
    share = np.clip(left / np.maximum(exposed, MIN_EXPOSED_COUNT), 0.0, MOST_LEFT_RATIO)
    hazard = np.where(exposed >= MIN_EXPOSED_COUNT, -np.log1p(-share), 0.0)
    return np.asarray(hazard.cumsum(axis=1) - hazard / 2).ravel()
