"""Models that have not seen some chips, each fitted once and asked often."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.family import Family
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.model import FamilyModel, fit_model
from hwmodel.silicon.residual import UNSEEN_CHIPS
from hwmodel.silicon.splits import few_per_chip
from hwmodel.silicon.truth import Truth
from hwmodel.timing import TimingConstants

FITTED_PER_CHIP = 12_000
"""Rows of each chip that a correction is learned on."""
JUDGED_PER_CHIP = 4_000
"""Rows of each chip that the width of intervals is read from."""
TRUSTS = (0.0, 0.5, 1.0)
"""Weights of the correction to choose from."""
WANTED_QUANTILE = 0.9
SAME_DIE = ("cores_count", "matrix_flop_per_clk", "l2_bytes", "smem_bytes")
"""What twins share."""
EVALUATIONS = 1_200


class LeftOut:
    """What models say of chips that they have not seen; fits are kept for as long as this lives."""

    def __init__(self, family: Family, truth: Truth, prior: TimingConstants) -> None:
        """A family, its measurements, and the constants to start every fit from."""
        self.family = family
        self.truth = truth
        self._prior = prior
        self._models: dict[frozenset[str], FamilyModel] = {}
        self._logs: dict[tuple[frozenset[str], str], tuple[np.ndarray, np.ndarray]] = {}
        self._names = sorted(truth.chips)

    def model(self, out: frozenset[str]) -> FamilyModel:
        """Constants and correction without some chips, at the weight that served the others best."""
        return replace(self._bare(out), trust=self.trust(out))

    def trust(self, out: frozenset[str]) -> float:
        """Weight of the correction: 1 where each chip that is out has a twin that is not.

        Else the weight with the least error on the other chips, each left out with its twins beside those that are out.
        """
        if out and all(self._twins(name) - out for name in out):
            return 1.0
        return self._trust_of_strangers(out)

    def radii(self, out: frozenset[str]) -> list[float]:
        """90 % quantile of |log error| on every other chip, each left out beside those that are out."""
        trust = self._trust_of_strangers(out)
        return [float(np.quantile(np.abs(one), WANTED_QUANTILE)) for one in self._errors(out, trust)]

    def _trust_of_strangers(self, out: frozenset[str]) -> float:
        errors = {weight: [float(np.mean(np.abs(one))) for one in self._errors(out, weight)] for weight in TRUSTS}
        return min(TRUSTS, key=lambda weight: float(np.mean(errors[weight])))

    def shared_dtypes(self, out: frozenset[str]) -> list[str]:
        """Formats that at least two other chips were measured in."""
        others = self.truth.best.filter(~pl.col("chip").is_in(list(out)))
        counted = others.group_by("dtype").agg(chips=pl.col("chip").n_unique())
        return sorted(counted.filter(pl.col("chips") > 1)["dtype"].to_list())

    def _twins(self, name: str) -> frozenset[str]:
        """A chip and every measured one with the same cores and cache."""
        chips = self.truth.chips
        mine = [getattr(chips[name], field) for field in SAME_DIE]
        return frozenset(
            other for other in self._names if mine == [getattr(chips[other], field) for field in SAME_DIE]
        )

    def _errors(self, out: frozenset[str], trust: float) -> list[np.ndarray]:
        """Log of predicted over measured on each other chip, by a model that has not seen it or its twin either."""
        told = [self._log_parts(out | self._twins(name), name) for name in self._names if name not in out]
        return [closed + trust * learned for closed, learned in told]

    def _log_parts(self, out: frozenset[str], chip: str) -> tuple[np.ndarray, np.ndarray]:
        """Log error of the closed form on a chip, and the learned correction, by a model without `out`."""
        if (out, chip) not in self._logs:
            rows = self.truth.best
            here = rows[few_per_chip(rows, [name for name in self._names if name != chip], JUDGED_PER_CHIP)]
            here = here.filter(pl.col("dtype").is_in(self.shared_dtypes(out)))
            model = self._bare(out)
            found = replace(model, trust=1.0).estimate(here, self.truth.chips)
            closed = np.log(found.closed_form_s / here["latency_s"].to_numpy())
            self._logs[out, chip] = closed, np.log(found.latency_s / found.closed_form_s)
        return self._logs[out, chip]

    def _check(self, out: frozenset[str]) -> None:
        if not self.shared_dtypes(out):
            raise TooFewRows(
                f"{self.family.name}: without {', '.join(sorted(out)) or 'any'} no two measured chips share a format, "
                f"of {', '.join(self._names)}; leave out fewer, for each of the others is left out in turn as well"
            )

    def _bare(self, out: frozenset[str]) -> FamilyModel:
        if out not in self._models:
            self._check(out)
            rows = self.truth.best.filter(pl.col("dtype").is_in(self.shared_dtypes(out)))
            seen = rows.filter(~pl.col("chip").is_in(list(out)))
            constants = fit_constants(self.family, seen, self.truth.chips, self._prior, evaluations=EVALUATIONS)
            chosen = seen[few_per_chip(seen, (), FITTED_PER_CHIP)]
            self._models[out] = fit_model(
                self.family, chosen, self.truth.chips, constants, UNSEEN_CHIPS, sees_chip=False
            )
        return self._models[out]


def subsets(truth: Truth, twins: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Every chip alone, and every pair of twins that the tables hold both of."""
    names = set(truth.chips)
    return [*(frozenset({name}) for name in sorted(names)), *(pair for pair in twins if pair <= names)]
