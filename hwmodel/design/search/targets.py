"""Closed form of everything that the cost model predicts, and the inputs that it sees."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import DesignTable
from hwmodel.design.scenario import Scenario
from hwmodel.design.scoring import ClosedForm
from hwmodel.physical import tco


def inputs_of(
    features: Float[np.ndarray, "designs features"], closed: ClosedForm, base: ClosedForm
) -> Float[np.ndarray, "designs inputs"]:
    """Features of the space, and what the closed form says of each pool, over the baseline.

    The latter are log2 of the widths and twice the logs of the chips.
    """
    widths = np.log2(closed.tp_by_pool / base.tp_by_pool)
    chips = 2.0 * np.log(closed.chips_by_pool / base.chips_by_pool)
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
