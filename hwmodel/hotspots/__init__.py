"""Where time, energy and dollars go: per LLM, kernel, binding resource, surface and phase."""

from hwmodel.hotspots.bill import Bill, kernel_bill
from hwmodel.hotspots.step_bins import StepBinTable, step_bins

__all__ = ["Bill", "StepBinTable", "kernel_bill", "step_bins"]
