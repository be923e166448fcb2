"""The engine on the chip model beside measured serving: runs of NVIDIA's tables, PipeWeave's, published points."""

from hwmodel.serving.accuracy.first_results import FirstResultRow, first_result_rows
from hwmodel.serving.accuracy.measured_runs import RUNS_FILE, Used, data_parallel_rows, predicted, used_rows
from hwmodel.serving.accuracy.pipeweave import PIPEWEAVE_FILE, PipeweaveRow, pipeweave_rows
from hwmodel.serving.accuracy.published import PublishedRow, published_rows
from hwmodel.serving.accuracy.run_accuracy import RunRow, data_parallel_run_rows, run_rows, with_fitted

__all__ = [
    "PIPEWEAVE_FILE",
    "RUNS_FILE",
    "FirstResultRow",
    "PipeweaveRow",
    "PublishedRow",
    "RunRow",
    "Used",
    "data_parallel_rows",
    "data_parallel_run_rows",
    "first_result_rows",
    "pipeweave_rows",
    "predicted",
    "published_rows",
    "run_rows",
    "used_rows",
    "with_fitted",
]
