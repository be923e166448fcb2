"""What a chip-hour costs its owner: module, host, network and building over their lives, and electricity."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.chip_design import DesignTable
from hwmodel.physical import cost_constants as c
from hwmodel.physical.constant import Level, opposite
from hwmodel.physical.cost import ModuleCost, module_cost
from hwmodel.physical.errors import UnknownBasis

HOURS_PER_YEAR = 8760.0
SECONDS_PER_HOUR = 3600.0
SWITCHED = frozenset({"switch", "reducing_switch"})
"""Fabrics with switches between the packages."""
PRICE_BASES: tuple[str, ...] = tuple(c.MARKUP_RATIO)
"""in_house: what an operator pays the partner who builds its chip. merchant: what a vendor asks on the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tco:
    """Cost of owning one chip for an hour of service, on one price basis for all designs. Engineering is not in it.

    low and high put every constant at its cheap or dear end at once: bounds, not a confidence interval. Parts are
    those of the typical figure and add up to it.
    """

    price_basis: str
    low_usd_per_chip_h: Float[np.ndarray, "designs"]
    typical_usd_per_chip_h: Float[np.ndarray, "designs"]
    high_usd_per_chip_h: Float[np.ndarray, "designs"]
    chip_usd_per_chip_h: Float[np.ndarray, "designs"]
    host_usd_per_chip_h: Float[np.ndarray, "designs"]
    network_usd_per_chip_h: Float[np.ndarray, "designs"]
    """Scale-up switches and scale-out network."""
    facility_usd_per_chip_h: Float[np.ndarray, "designs"]
    electricity_usd_per_chip_h: Float[np.ndarray, "designs"]
    all_in_w: Float[np.ndarray, "designs"]
    """Utility power per chip: facility, host and network included."""
    all_in_low_w: Float[np.ndarray, "designs"]
    all_in_high_w: Float[np.ndarray, "designs"]
    chips_per_rack_count: Float[np.ndarray, "designs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    chip: Float[np.ndarray, "designs"]
    host: Float[np.ndarray, "designs"]
    network: Float[np.ndarray, "designs"]
    facility: Float[np.ndarray, "designs"]
    electricity: Float[np.ndarray, "designs"]

    @property
    def total(self) -> Float[np.ndarray, "designs"]:
        return self.chip + self.host + self.network + self.facility + self.electricity


def tco(designs: DesignTable, *, price_basis: str = "in_house") -> Tco:
    """Cost per chip and hour of service, straight line over the years in service.

    Args:
        designs: Any number of designs; baseline and candidates are priced by the same ratio of price to module cost.
        price_basis: Which ratio.

    Raises:
        UnknownBasis: No such basis.
        UnknownNode: A design names a process without constants.
    """
    if price_basis not in c.MARKUP_RATIO:
        raise UnknownBasis(f"no price basis {price_basis!r}; known: {', '.join(PRICE_BASES)}")
    cost = module_cost(designs)
    typical = _parts(designs, cost.typical_usd, price_basis, "typical")
    return Tco(
        price_basis=price_basis,
        low_usd_per_chip_h=_parts(designs, cost.low_usd, price_basis, "low").total,
        typical_usd_per_chip_h=typical.total,
        high_usd_per_chip_h=_parts(designs, cost.high_usd, price_basis, "high").total,
        chip_usd_per_chip_h=typical.chip,
        host_usd_per_chip_h=typical.host,
        network_usd_per_chip_h=typical.network,
        facility_usd_per_chip_h=typical.facility,
        electricity_usd_per_chip_h=typical.electricity,
        all_in_w=all_in_power_w(designs),
        all_in_low_w=all_in_power_w(designs, level="low"),
        all_in_high_w=all_in_power_w(designs, level="high"),
        chips_per_rack_count=chips_per_rack(designs),
    )


def price_usd(cost: ModuleCost, *, price_basis: str) -> Float[np.ndarray, "designs"]:
    """Typical price of a module on a basis."""
    return cost.typical_usd * c.MARKUP_RATIO[price_basis].typical


def all_in_power_w(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Utility power per chip: TDP times the declared overhead of host, network, cooling and conversion."""
    return designs.tdp_w * c.OVERHEAD_RATIO.at(level)


def chips_per_rack(designs: DesignTable, *, level: Level = "typical") -> Float[np.ndarray, "designs"]:
    """Whole chips, hosts included, that a rack's power takes; at least one.

    IT power per chip is all-in power over PUE. Domains of up to 8 chips of at most 1 kW stand in air-cooled racks.
    """
    is_air = (designs.tdp_w <= c.AIR_TDP_W) & (designs.link_world_count <= c.AIR_WORLD_COUNT)
    rack_w = np.where(is_air, c.RACK_AIR_W.at(level), c.RACK_LIQUID_W.at(level))
    it_w = all_in_power_w(designs) / c.FACILITY_OVERHEAD_RATIO.typical
    return np.maximum(np.floor(rack_w / it_w), 1.0)


def _parts(designs: DesignTable, module_usd: Float[np.ndarray, "designs"], basis: str, level: Level) -> _Parts:
    cheap_is_high = opposite(level)
    service = HOURS_PER_YEAR * c.UTILISATION_RATIO.at(cheap_is_high)
    chip_hours = service * c.CHIP_LIFE_YEARS.at(cheap_is_high)
    facility_hours = service * c.FACILITY_LIFE_YEARS.at(cheap_is_high)
    chip = module_usd * c.MARKUP_RATIO[basis].at(level)
    host = np.full_like(chip, c.HOST_USD.at(level))
    network = designs.link_bytes_per_s * c.SCALE_UP_USD_S_PER_BYTE.at(level) * _switch_ratio(designs, level)
    network = network + c.NETWORK_RATIO.at(level) * (chip + host)
    all_in = all_in_power_w(designs, level=level)
    it_w = all_in / c.FACILITY_OVERHEAD_RATIO.typical
    energy_j = all_in * c.POWER_USE_RATIO.at(level) * SECONDS_PER_HOUR / c.UTILISATION_RATIO.at(cheap_is_high)
    return _Parts(
        chip=chip / chip_hours,
        host=host / chip_hours,
        network=network / chip_hours,
        facility=it_w * c.FACILITY_USD_PER_W.at(level) / facility_hours,
        electricity=energy_j * c.ELECTRICITY_USD_PER_J.at(level),
    )


def _switch_ratio(designs: DesignTable, level: Level) -> Float[np.ndarray, "designs"]:
    """Cost of a scale-up domain over one with switches: a torus, a mesh and the host's own bus have none."""
    has_switch = np.array([fabric in SWITCHED for fabric in designs.fabric], dtype=bool)
    return np.where(has_switch, 1.0, c.SWITCHLESS_RATIO.at(level))
