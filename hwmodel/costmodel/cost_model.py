"""The learned cost model of one scenario: a residual for every target, and the stamp of what it was trained on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hwmodel.costmodel.conformal import NOTHING_ACQUIRED, Recalibration
from hwmodel.costmodel.residual import Prediction, ResidualModel, fit_residual

KIND = "gp-residual-2"
"""Kind of model; a new number wherever the same data would give other predictions."""

Columns = Mapping[str, Float[np.ndarray, "designs"]]
"""Values by target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStamp:
    """What a model was trained on: equal stamps predict alike."""

    version: str
    kind: str
    trained_on: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """One scenario's residuals by target."""

    scenario: str
    residuals: Mapping[str, ResidualModel]
    stamp: ModelStamp

    def predict(self, inputs: Float[np.ndarray, "designs inputs"], closed: Columns) -> dict[str, Prediction]:
        """Every target that `closed` has, in its unit."""
        return {name: self.residuals[name].predict(inputs, values) for name, values in closed.items()}


def fit_cost_model(
    inputs: Float[np.ndarray, "designs inputs"],
    closed: Columns,
    replayed: Columns,
    *,
    scenario: str,
    snapshot: str,
    recalibration: Mapping[str, Recalibration] | None = None,
    sample_sd: float | None = None,
) -> CostModel:
    """Fit every target.

    Args:
        inputs: What is known of a design before it is replayed.
        closed: Closed form of each target; a target without one has a value that is the same for all designs.
        replayed: The targets by replay.
        scenario: Its name.
        snapshot: Of the demand, for the stamp.
        recalibration: What picked designs have shown, by target.
        sample_sd: See `ResidualModel`.
    """
    known = recalibration or {}
    residuals = {
        name: fit_residual(
            inputs,
            closed[name],
            values,
            recalibration=known.get(name, NOTHING_ACQUIRED),
            sample_sd=sample_sd,
        )
        for name, values in replayed.items()
    }
    widths = {name: [*found.scores, found.level_ratio] for name, found in known.items()}
    return CostModel(
        scenario=scenario,
        residuals=residuals,
        stamp=_stamp(inputs, closed, replayed, scenario=scenario, snapshot=snapshot, widths=[widths, sample_sd]),
    )


def _stamp(
    inputs: Float[np.ndarray, "designs inputs"],
    closed: Columns,
    replayed: Columns,
    *,
    scenario: str,
    snapshot: str,
    widths: object,
) -> ModelStamp:
    told = hashlib.sha256(json.dumps([KIND, scenario, snapshot, widths], sort_keys=True).encode())
    for name in sorted(replayed):
        for values in (inputs, closed[name], replayed[name]):
            told.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
    return ModelStamp(
        version=f"{KIND}-{told.hexdigest()[:16]}",
        kind=KIND,
        trained_on={
            "scenario": scenario,
            "snapshot": snapshot,
            "designs": len(inputs),
            "inputs": inputs.shape[1],
            "targets": sorted(replayed),
        },
    )
