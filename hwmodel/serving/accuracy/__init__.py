"""The engine on the chip model beside measured serving: runs of NVIDIA's tables, PipeWeave's, published points."""

from hwmodel.serving.accuracy.measured_runs import RUNS_FILE, Used, predicted, used_rows
from hwmodel.serving.accuracy.run_accuracy import RunRow, run_rows, with_fitted

__all__ = ["RUNS_FILE", "RunRow", "Used", "predicted", "run_rows", "used_rows", "with_fitted"]
