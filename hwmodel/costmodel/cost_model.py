"""The learned cost model of one scenario: a residual for every target, and the stamp of what it was trained on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Replayed designs of one scenario."""

    scenario: str
    snapshot: str
    """Of the demand, for the stamp."""
    inputs: Float[np.ndarray, "designs inputs"]
    """What is known of a design before it is replayed."""
    closed: Columns
    """Closed form of each target; a target without one has a value that is the same for all designs."""
    replayed: Columns
    """The targets by replay."""
    recalibration: Mapping[str, Recalibration] = field(default_factory=dict)
    """What picked designs have shown, by target."""
    sample_sd: float | None = None
    """See `ResidualModel`."""

    @property
    def stamp(self) -> ModelStamp:
        """Of the model that is fitted on this."""
        widths = {name: [*found.scores, found.level_ratio] for name, found in self.recalibration.items()}
        named = [KIND, self.scenario, self.snapshot, [widths, self.sample_sd]]
        told = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
        for name in sorted(self.replayed):
            for values in (self.inputs, self.closed[name], self.replayed[name]):
                told.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
        return ModelStamp(
            version=f"{KIND}-{told.hexdigest()[:16]}",
            kind=KIND,
            trained_on={
                "scenario": self.scenario,
                "snapshot": self.snapshot,
                "designs": len(self.inputs),
                "inputs": self.inputs.shape[1],
                "targets": sorted(self.replayed),
            },
        )


def fit_cost_model(training: Training) -> CostModel:
    """Fit every target."""
    residuals = {
        name: fit_residual(
            training.inputs,
            training.closed[name],
            values,
            recalibration=training.recalibration.get(name, NOTHING_ACQUIRED),
            sample_sd=training.sample_sd,
        )
        for name, values in training.replayed.items()
    }
    return CostModel(scenario=training.scenario, residuals=residuals, stamp=training.stamp)
