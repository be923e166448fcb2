"""Closed-form time of kernels on chip designs, vectorised over designs and kernels."""

from hwmodel.timing.chip import Chip, chip_columns
from hwmodel.timing.constants import FIRST_CONSTANTS, HOST_STEP_S, TimingConstants
from hwmodel.timing.errors import BadConstants, TimingError
from hwmodel.timing.estimate import KernelTiming
from hwmodel.timing.evaluate import kernel_latency_s, resident_set_bytes, time_kernels
from hwmodel.timing.step import step_time_s

__all__ = [
    "FIRST_CONSTANTS",
    "HOST_STEP_S",
    "BadConstants",
    "Chip",
    "KernelTiming",
    "TimingConstants",
    "TimingError",
    "chip_columns",
    "kernel_latency_s",
    "resident_set_bytes",
    "step_time_s",
    "time_kernels",
]
