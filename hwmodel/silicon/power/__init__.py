"""Power that a chip draws while it runs a kernel, calibrated on measured boards."""

from hwmodel.silicon.power.accuracy import PowerRow, power_accuracy
from hwmodel.silicon.power.families import ONE_BOARD, POWER_FAMILIES, PowerFamily
from hwmodel.silicon.power.model import LEAST_WIDTH, PowerEstimate, PowerModel, fit_power, widened
from hwmodel.silicon.power.physics import PowerLaw, fit_power_law
from hwmodel.silicon.power.rails import RAIL_FAMILIES

__all__ = [
    "LEAST_WIDTH",
    "ONE_BOARD",
    "POWER_FAMILIES",
    "RAIL_FAMILIES",
    "PowerEstimate",
    "PowerFamily",
    "PowerLaw",
    "PowerModel",
    "PowerRow",
    "fit_power",
    "fit_power_law",
    "power_accuracy",
    "widened",
]
