"""What chips were measured to do: tables of kernel times, what a model must predict of them, and how well it does."""

from hwmodel.silicon.errors import (
    MeasuredOnCpu,
    NoCalibration,
    NoTables,
    SiliconError,
    TooFewRows,
    UnknownGpu,
    UnknownStack,
    UnreadableTable,
)
from hwmodel.silicon.scores import AccuracyRow

__all__ = [
    "AccuracyRow",
    "MeasuredOnCpu",
    "NoCalibration",
    "NoTables",
    "SiliconError",
    "TooFewRows",
    "UnknownGpu",
    "UnknownStack",
    "UnreadableTable",
]
