"""Closed form of everything that the cost model predicts, and the inputs that it sees."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog import DesignTable
from hwmodel.costmodel import Training
from hwmodel.design.scenario import Scenario
from hwmodel.design.scoring import ClosedForm
from hwmodel.design.search.plan import CURVE
from hwmodel.physical import tco


def inputs_of(
    features: Float[np.ndarray, "designs features"], closed: ClosedForm, base: ClosedForm
) -> Float[np.ndarray, "designs inputs"]:
    """Features of the space, and what the closed form says of each pool, over the baseline.

    The latter are log2 of the widths and twice the logs of the chips. Of a design that cannot serve a pool they are 0:
    its value is 0 whatever a model makes of them.
    """
    widths = np.log2(closed.tp_by_pool / base.tp_by_pool)
    chips = closed.chips_by_pool / base.chips_by_pool
    chips = 2.0 * np.log(np.where(np.isfinite(chips), chips, 1.0))
    return np.concatenate([features, widths, chips], axis=1)


def closed_targets(
    designs: DesignTable, closed: ClosedForm, scenario: Scenario, baseline: Mapping[str, float]
) -> dict[str, Float[np.ndarray, "designs"]]:
    """By target. Latencies and attainment have no closed form: the baseline's replay stands for all designs."""
    chips = closed.chips_by_pool.sum(axis=1)
    offered = sum(pool.offered_usd_per_h for pool in scenario.pools)
    known = {
        "value_per_usd_ratio": closed.value_per_usd_ratio,
        "value_usd_per_j": closed.value_usd_per_j,
        "value_usd_per_rack_h": offered / (chips / tco(designs).chips_per_rack_count),
        "chips_count": chips,
    }
    return {name: known.get(name, np.full(len(designs), value)) for name, value in baseline.items()}


def learnable(training: Training) -> Training | None:
    """What a model can be fitted on: designs that the closed form, too, can serve, and targets that all of them have.

    A percentile of calls that nobody made is no number, such as the time per token where every answer is one token.

    Returns:
        None where no value per dollar is left.
    """
    able = np.flatnonzero(_is_number(training.closed[CURVE]) & _is_number(training.replayed[CURVE]))
    closed, replayed = ({n: v[able] for n, v in side.items()} for side in (training.closed, training.replayed))
    known = [n for n in replayed if (_is_number(closed[n]) & _is_number(replayed[n])).all()]
    if able.size == 0:
        return None
    return replace(
        training,
        inputs=training.inputs[able],
        closed={name: closed[name] for name in known},
        replayed={name: replayed[name] for name in known},
    )


def _is_number(values: Float[np.ndarray, "designs"]) -> Bool[np.ndarray, "designs"]:
    return np.isfinite(values) & (values > 0.0)
