"""The learned cost model: what the replay finds beyond the closed form, learned from the designs replayed so far."""

from hwmodel.costmodel.conformal import NOTHING_ACQUIRED, Recalibration
from hwmodel.costmodel.cost_model import CostModel, ModelStamp, Training, fit_cost_model
from hwmodel.costmodel.residual import Prediction, ResidualModel, fit_residual, sampling_sd

__all__ = [
    "NOTHING_ACQUIRED",
    "CostModel",
    "ModelStamp",
    "Prediction",
    "Recalibration",
    "ResidualModel",
    "Training",
    "fit_cost_model",
    "fit_residual",
    "sampling_sd",
]
