"""The learned cost model: what the replay finds beyond the closed form, learned from the designs replayed so far."""

from hwmodel.costmodel.residual import Prediction, ResidualModel, fit_residual

__all__ = ["Prediction", "ResidualModel", "fit_residual"]
