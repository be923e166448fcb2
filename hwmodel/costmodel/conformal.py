"""How wide an interval must be: left-out replays, and designs that a search picked and then replayed."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

NORMAL_90 = 1.645
"""Half-width of a normal 90 % interval in standard deviations."""
WANTED_RATIO = 0.9
STEP = 0.05
"""How fast the level follows misses. Gibbs and Candes (2021) take 0.005 for series of thousands; a search has tens."""
LEVEL_RANGE = (0.8, 0.99)
MEMORY_COUNT = 32
"""Picked designs that are remembered: those of early rounds were told by a model that knew less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """Adaptive conformal: designs picked by a search are not drawn like those left out, so they are counted apart.

    A score is an error over the 90 % half-width that the process itself claimed, before any widening. The level at
    which picked scores are cut rises while more than a tenth of the picked designs miss their interval, and falls
    while fewer do.
    """

    scores: tuple[float, ...] = ()
    level_ratio: float = WANTED_RATIO

    def after(
        self,
        error_log: Float[np.ndarray, "designs"],
        sd_log: Float[np.ndarray, "designs"],
        spread_ratio: float,
    ) -> "Recalibration":
        """With a further batch of picked designs.

        Args:
            error_log: Log of replayed over predicted.
            sd_log: Deviation that was claimed, widening included.
            spread_ratio: That widening.
        """
        claimed = np.abs(error_log) / (NORMAL_90 * sd_log)
        level = self.level_ratio
        for missed in claimed > 1.0:
            level += STEP * (float(missed) - (1.0 - WANTED_RATIO))
        own = (claimed * spread_ratio).tolist()
        return replace(
            self,
            scores=(*self.scores, *own)[-MEMORY_COUNT:],
            level_ratio=float(np.clip(level, *LEVEL_RANGE)),
        )

    def factor(self, left_out: Float[np.ndarray, "designs"]) -> float:
        """Widening that covers left-out replays and picked designs, each at its level; at least 1."""
        return max(1.0, _cut(left_out, WANTED_RATIO), _cut(np.array(self.scores), self.level_ratio))


NOTHING_ACQUIRED = Recalibration()


def _cut(scores: Float[np.ndarray, "scores"], level: float) -> float:
    """That of a further score: the ceil(level (n + 1))-th smallest of n (split conformal); of few, the largest."""
    if scores.size == 0:
        return 0.0
    wanted = int(np.ceil(level * (scores.size + 1)))
    return float(np.sort(scores)[min(wanted, scores.size) - 1])
