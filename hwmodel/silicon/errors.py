"""Errors of what is measured on silicon.

SiliconError
├── NoTables         the folder holds no measured table of a family
├── UnreadableTable  a table lacks a column, or cannot be read
├── UnknownGpu       a table names a GPU that the catalogue does not have
├── MeasuredOnCpu    a table holds times of a CPU, which say nothing of a chip
├── UnknownStack     a serving stack or a kernel of it that nobody measured is asked for
├── TooFewRows       nothing is left to fit or to score
└── NoCalibration    nothing was fitted, or it cannot be read
"""


class SiliconError(Exception):
    """Base of every expected error of measured kernels."""


class NoTables(SiliconError):
    """The folder holds no measured table of a family."""


class UnreadableTable(SiliconError):
    """A table lacks a column, or cannot be read."""


class UnknownGpu(SiliconError):
    """A table names a GPU that the catalogue does not have."""


class MeasuredOnCpu(SiliconError):
    """A table holds times of a CPU, which say nothing of a chip."""


class UnknownStack(SiliconError):
    """A serving stack or a kernel of it that nobody measured is asked for."""


class TooFewRows(SiliconError):
    """Nothing is left to fit or to score."""


class NoCalibration(SiliconError):
    """Nothing was fitted, or it cannot be read."""
