"""Measuring kernels on the GPU at hand, into the tables that a calibration reads."""

from pipelines.measure.grid import FAMILIES
from pipelines.measure.machine import Machine
from pipelines.measure.tables import measure_to
from pipelines.measure.timing import Plan

__all__ = ["FAMILIES", "Machine", "Plan", "measure_to"]
