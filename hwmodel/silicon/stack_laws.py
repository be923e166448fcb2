"""What each serving stack's kernel leaves of a modelled time: one correction per backend, kernel and format."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from hwmodel.silicon.forest import Forest
from hwmodel.silicon.residual import Learner, ResidualLaw, fit_residual
from hwmodel.silicon.splits import few

STACK = ("backend", "kernel", "dtype")
"""Columns that name what has a correction of its own: kernels of one name differ by format."""
StackName = tuple[str, str, str]

OWN_TIMES = Learner(
    iterations=120, leaves=63, rate=0.12, least_leaf_rows=20, most_log_ratio=float("inf"), least_rows=40
)
"""For a stack's own time on chips where it was measured. No bound but the range that was measured: what software wastes
is nothing of the chip (L40S runs some windows a hundred times slower than the best stack)."""
LONGER = Learner(iterations=60, leaves=31, rate=0.12, least_leaf_rows=40, most_log_ratio=float("inf"), least_rows=40)
"""For how much longer a stack takes than the best one, which carries to chips where it was not measured."""
LEAF_RATIO = 0.01
"""Largest share of a small stack's rows that a leaf may need."""
LEAST_LEAF_ROWS = 5
MOST_PER_STACK = 20_000
"""Rows of each stack, kernel and format that a correction is learned on, drawn evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLaw:
    """The correction of one stack: its median, and what shapes and chips change about it."""

    level_log: float
    """Median log ratio; outside the range that was measured the law fades to it."""
    law: ResidualLaw

    def log_ratio(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time."""
        return np.asarray(self.level_log + self.law.log_ratio(features))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLaws:
    """The corrections of all stacks of a family."""

    laws: Mapping[StackName, StackLaw]

    def log_ratio(self, rows: pl.DataFrame, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows"]:
        """Log of measured over modelled time of each row by its `STACK`; not a number for a stack without a law."""
        told = np.full(len(rows), np.nan)
        for name, at in rows_by_stack(rows).items():
            if name in self.laws:
                told[at] = self.laws[name].log_ratio(features[at])
        return told


def rows_by_stack(rows: pl.DataFrame) -> dict[StackName, np.ndarray]:
    """Positions of the rows of each `STACK`."""
    grouped = rows.select(STACK).with_row_index("at").group_by(STACK, maintain_order=True).agg("at")
    return {(one[0], one[1], one[2]): np.asarray(one[3]) for one in grouped.iter_rows()}


def fit_stack_laws(
    rows: pl.DataFrame,
    features: Float[np.ndarray, "rows features"],
    log_ratio: Float[np.ndarray, "rows"],
    learner: Learner,
) -> StackLaws:
    """Learn each stack's correction on its own rows; a stack with too few of them gets none.

    Args:
        rows: `STACK` of each row.
        features: Ratios without units.
        log_ratio: Log of measured over modelled time.
        learner: Size of the trees; smaller leaves where a stack has few rows.
    """
    laws = {}
    for name, at in sorted(rows_by_stack(rows).items()):
        if len(at) < learner.least_rows:
            continue
        least = min(learner.least_leaf_rows, max(LEAST_LEAF_ROWS, int(LEAF_RATIO * len(at))))
        level = float(np.median(log_ratio[at]))
        law = fit_residual(features[at], log_ratio[at] - level, replace(learner, least_leaf_rows=least))
        laws[name] = StackLaw(level_log=level, law=replace(law, forest=_short_leaves(law.forest)))
    return StackLaws(laws=laws)


def few_per_stack(rows: pl.DataFrame, chosen: Bool[np.ndarray, "rows"], most: int) -> np.ndarray:
    """Positions of at most so many of the chosen rows of each `STACK`, in order."""
    kept = []
    for at in rows_by_stack(rows).values():
        here = np.zeros(len(rows), dtype=bool)
        here[at] = True
        kept.append(few(here & chosen, most))
    return np.sort(np.concatenate(kept))


def _short_leaves(forest: Forest) -> Forest:
    """Leaves to 11 bits, as a calibration keeps them: a leaf adds a hundredth, its rounding a hundred-thousandth."""
    short = forest.threshold.astype(np.float16).astype(np.float32)
    return replace(forest, threshold=np.where(forest.feature < 0, short, forest.threshold))
