"""Area, cost, energy, power, limits and cost of ownership of chip designs; every constant with source and range."""

from hwmodel.physical.area import DieArea, die_area, matrix_transistors
from hwmodel.physical.constant import LEVELS, Constant, Level
from hwmodel.physical.cost import ModuleCost, die_yield, dies_per_wafer, interposer_m2, module_cost, nre_usd
from hwmodel.physical.energy import (
    KernelEnergy,
    kernel_energy,
    kernel_energy_j,
    matrix_j_per_flop,
    peak_power_w,
    static_power_w,
    voltage_v,
)
from hwmodel.physical.errors import PhysicalError, UnknownBasis, UnknownNode
from hwmodel.physical.inventory import all_constants
from hwmodel.physical.limits import (
    Limit,
    LimitUse,
    hbm_sites_count,
    limits,
    shoreline_allowed_m,
    shoreline_used_m,
    tdp_class_w,
    tdp_needed_w,
)
from hwmodel.physical.nre import Project, break_even_chips, chip_life_h, months_that_eat, project_of
from hwmodel.physical.tco import PRICE_BASES, Tco, all_in_power_w, chips_per_rack, price_usd, tco

__all__ = [
    "LEVELS",
    "PRICE_BASES",
    "Constant",
    "DieArea",
    "KernelEnergy",
    "Level",
    "Limit",
    "LimitUse",
    "ModuleCost",
    "PhysicalError",
    "Project",
    "Tco",
    "UnknownBasis",
    "UnknownNode",
    "all_constants",
    "all_in_power_w",
    "break_even_chips",
    "chip_life_h",
    "chips_per_rack",
    "die_area",
    "die_yield",
    "dies_per_wafer",
    "hbm_sites_count",
    "interposer_m2",
    "kernel_energy",
    "kernel_energy_j",
    "limits",
    "matrix_j_per_flop",
    "matrix_transistors",
    "module_cost",
    "months_that_eat",
    "nre_usd",
    "peak_power_w",
    "price_usd",
    "project_of",
    "shoreline_allowed_m",
    "shoreline_used_m",
    "static_power_w",
    "tco",
    "tdp_class_w",
    "tdp_needed_w",
    "voltage_v",
]
