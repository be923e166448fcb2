"""Which combinations of levels are points: all that change at most so many parameters."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float

from hwmodel.design.space.parameter import Parameter


def points_within(
    parameters: Sequence[Parameter], base: Sequence[float], most_changes_count: int
) -> Float[np.ndarray, "points parameters"]:
    """Every combination of levels that differs from the baseline in at most so many parameters, fewest changes first.

    A parameter without the baseline's level is changed in every point.
    """
    other = [[level for level in p.levels if level != own] for p, own in zip(parameters, base, strict=True)]
    forced = tuple(at for at, p in enumerate(parameters) if base[at] not in p.levels)
    free = [at for at, levels in enumerate(other) if levels and at not in forced]
    counts = range(min(most_changes_count - len(forced), len(free)) + 1)
    together = (tuple(sorted((*forced, *chosen))) for count in counts for chosen in combinations(free, count))
    blocks = [_block(other, base, changed) for changed in together]
    return np.concatenate(blocks) if blocks else np.empty((0, len(parameters)))


def _block(
    levels: Sequence[Sequence[float]], base: Sequence[float], changed: tuple[int, ...]
) -> Float[np.ndarray, "points parameters"]:
    """All combinations of the other levels of some parameters."""
    sizes = [len(levels[at]) for at in changed]
    block = np.tile(np.array(base, dtype=np.float64), (int(np.prod(sizes)), 1))
    grid = np.indices(sizes).reshape(len(changed), len(block))
    for row, at in enumerate(changed):
        block[:, at] = np.array(levels[at])[grid[row]]
    return block
