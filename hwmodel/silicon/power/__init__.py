"""Power that a chip draws while it runs a kernel, calibrated on measured boards."""

from hwmodel.silicon.power.accuracy import PowerRow, power_accuracy
from hwmodel.silicon.power.families import POWER_FAMILIES, PowerFamily
from hwmodel.silicon.power.model import BASIS, LEAST_WIDTH, PowerEstimate, PowerModel, fit_power, widened
from hwmodel.silicon.power.physics import PowerLaw, fit_power_law

__all__ = [
    "BASIS",
    "LEAST_WIDTH",
    "POWER_FAMILIES",
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
