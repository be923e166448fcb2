"""Value per dollar in closed form of a few designs under many scenarios, which share most of their pools."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import DesignTable
from hwmodel.design.closed_form import closed_form_fleet
from hwmodel.design.pool import Pool
from hwmodel.design.scenario import Scenario
from hwmodel.physical import tco


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The closed form of some designs, each pool sized once."""

    designs: DesignTable
    chips: dict[int, tuple[Pool, Float[np.ndarray, "designs"]]] = field(default_factory=dict)
    """Chips needed by identity of the pool, which is kept so that its identity stays its own."""

    def of(self, scenario: Scenario) -> Float[np.ndarray, "designs"]:
        """As `closed_form_value`: promised value over cost; 0 where an LLM does not fit."""
        chips = np.sum([self._chips(pool) * pool.traffic_ratio for pool in scenario.pools], axis=0)
        offered = sum(pool.offered_usd_per_h for pool in scenario.pools)
        return np.asarray(offered / (chips * tco(self.designs).typical_usd_per_chip_h))

    def _chips(self, pool: Pool) -> Float[np.ndarray, "designs"]:
        if id(pool) not in self.chips:
            self.chips[id(pool)] = (pool, closed_form_fleet(self.designs, pool).chips_needed)
        return self.chips[id(pool)][1]
