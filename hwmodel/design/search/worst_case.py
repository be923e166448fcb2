"""The worst case of a design: in the scenario that likes it least, the share it keeps of the best design's value."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from hwmodel.costmodel import Prediction
from hwmodel.design.scoring import Scored
from hwmodel.design.search.result import ScenarioModel


def least_kept(scored: Scored, today: Prediction, models: Sequence[ScenarioModel]) -> Float[np.ndarray, "designs"]:
    """Value per dollar over that of the best scored design, in each design's worst scenario: 1 less its regret.

    Args:
        scored: All designs in all scenarios, today's first.
        today: What was learned of today's.
        models: What was learned of others; a scenario without a model is judged in closed form.
    """
    told = {model.scenario.name: model.over_baseline_of(scored).mean for model in models}
    least = today.mean / today.mean.max()
    for name in scored.scenarios[1:]:
        values = told.get(name, scored.of(name).value_per_usd_ratio)
        best = values.max()
        if best > 0.0:
            least = np.minimum(least, values / best)
    return least
