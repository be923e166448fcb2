"""A fitted model of one family: constants of the closed form, and the learned correction."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.calls import CallSheet, Physics
from hwmodel.silicon.family import Chips, Family
from hwmodel.silicon.features import features_of
from hwmodel.silicon.residual import Learner, Residual
from hwmodel.timing import TimingConstants


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a model says of each row; arrays have one entry per row, s."""

    latency_s: Float[np.ndarray, "rows"]
    """Closed form times the learned ratio; never under the bound."""
    closed_form_s: Float[np.ndarray, "rows"]
    bound_s: Float[np.ndarray, "rows"]
    physics: Physics

    @property
    def columns(self) -> tuple[pl.Series, ...]:
        """As scores take them: predicted_s, closed_form_s, bound_s."""
        return (
            pl.Series("predicted_s", self.latency_s),
            pl.Series("closed_form_s", self.closed_form_s),
            pl.Series("bound_s", self.bound_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyModel:
    """Closed form with fitted constants, and the correction that was learned on top of it."""

    family: Family
    constants: TimingConstants
    residual: Residual
    trust: float
    """Weight of the correction, 0 to 1."""
    sees_chip: bool
    """The correction knows how each chip is balanced; for chips that were measured."""

    def estimate(self, rows: pl.DataFrame, chips: Chips) -> Estimate:
        """Time of each row.

        Args:
            rows: chip and the family's keys.
            chips: The design of every chip that the rows name.
        """
        physics = physics_of(self.family, rows, chips, self.constants, is_timed=self.sees_chip)
        log_ratio = self.trust * self.residual.log_ratio(self._seen(rows, physics, chips))
        latency_s = np.maximum(physics.latency_s * np.exp(log_ratio), physics.bound_s)
        return Estimate(latency_s=latency_s, closed_form_s=physics.latency_s, bound_s=physics.bound_s, physics=physics)

    def _seen(self, rows: pl.DataFrame, physics: Physics, chips: Chips) -> Float[np.ndarray, "rows features"]:
        return features_of(self.family, rows, physics, chips, with_chip=self.sees_chip)


def fit_model(
    family: Family,
    rows: pl.DataFrame,
    chips: Chips,
    constants: TimingConstants,
    learner: Learner,
    *,
    sees_chip: bool,
) -> FamilyModel:
    """Learn the correction on measured rows.

    Args:
        family: What the rows are.
        rows: chip, the family's keys, latency_s.
        chips: The design of every chip that the rows name.
        constants: Of the closed form.
        learner: Size of the trees.
        sees_chip: Whether the correction may know the chip's balance.
    """
    physics = physics_of(family, rows, chips, constants, is_timed=sees_chip)
    seen = features_of(family, rows, physics, chips, with_chip=sees_chip)
    residual = family.fit_residual(seen, np.log(rows["latency_s"].to_numpy() / physics.latency_s), learner)
    return FamilyModel(family=family, constants=constants, residual=residual, trust=1.0, sees_chip=sees_chip)


def physics_of(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, *, is_timed: bool
) -> Physics:
    """The closed form of each row; see `CallSheet`."""
    return CallSheet(rows, family.calls(rows), chips, is_timed=is_timed).physics(constants)
