"""Where time, energy and dollars go: per LLM, kernel, binding resource, surface and phase; and where users wait."""

from hwmodel.hotspots.bill import Bill, kernel_bill
from hwmodel.hotspots.stages import StageShares, stage_shares
from hwmodel.hotspots.step_bins import StepBinTable, step_bins

__all__ = ["Bill", "StageShares", "StepBinTable", "kernel_bill", "stage_shares", "step_bins"]
