"""Constants of getting a chip made: months to silicon, share of engineering paid again, progress of the market."""

from hwmodel.physical.constant import Constant, constant

MONTHS_TO_SILICON: dict[str, Constant] = {
    "memory": constant(
        (12.0, 18.0, 24.0), "month", "own", "assumed", "new stacks beside a die that stays; H100 to H200 took about 18"
    ),
    "die": constant((24.0, 30.0, 36.0), "month", "own", "assumed", "a die drawn again in its process"),
    "process": constant((30.0, 36.0, 48.0), "month", "own", "assumed", "a die drawn again in another process"),
}
"""From decision to volume, by how deep a design cuts."""
ENGINEERING_RATIO: dict[str, Constant] = {
    "memory": constant((0.05, 0.15, 0.3), "1", "own", "assumed", "PHY, package and qualification; the die stays"),
    "die": constant((0.35, 0.5, 0.8), "1", "actuary", "assumed", "half is modules, which a derivative uses again"),
    "process": constant((0.8, 1.0, 1.0), "1", "actuary", "assumed", "every module is drawn again"),
}
"""Share of the engineering of a new chip that is paid."""
MARKET_RATIO_PER_YEAR = constant(
    (1.15, 1.3, 1.5), "1", "own", "assumed", "what the same money buys on the market, a year later over now"
)
