"""Models that have not seen some chips, each fitted once and asked often."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import polars as pl

from hwmodel.silicon.distance import growth, to_nearest
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
STRANGER_TRUST = 0.5
"""Weight of the correction on a chip whose die was not measured. Assumed: choosing it on the few other chips took what
was best for the oldest of them."""
WANTED_QUANTILE = 0.9
SAME_DIE = ("cores_count", "matrix_flop_per_clk", "l2_bytes", "smem_bytes")
"""What twins share."""
EVALUATIONS = 1_200
FITS_AT_ONCE = 2


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
        """Constants and correction without some chips."""
        return replace(self._bare(out), trust=self.trust(out))

    def trust(self, out: frozenset[str]) -> float:
        """Weight of the correction: 1 where each chip that is out has a twin that is not, else `STRANGER_TRUST`."""
        return 1.0 if out and all(self._twins(name) - out for name in out) else STRANGER_TRUST

    def radii(self, out: frozenset[str]) -> list[float]:
        """90 % quantile of |log error| on every other chip, each left out beside those that are out.

        Wider where what is out lies farther from its nearest chip than the chip that was judged; never narrower.
        """
        found = []
        for (name, beside), errors in zip(self.strangers(out), self._errors(out, STRANGER_TRUST), strict=True):
            wider = growth(self._gap(out, out), self._gap(frozenset({name}), beside)) if out else 1.0
            found.append(float(np.quantile(np.abs(errors), WANTED_QUANTILE)) * max(wider, 1.0))
        return found

    def shared_dtypes(self, out: frozenset[str]) -> list[str]:
        """Formats that at least two other chips were measured in; where only one other chip is left, its formats."""
        others = self.truth.best.filter(~pl.col("chip").is_in(list(out)))
        counted = others.group_by("dtype").agg(chips=pl.col("chip").n_unique())
        wanted = min(2, len(set(self._names) - out))
        return sorted(counted.filter(pl.col("chips") >= wanted)["dtype"].to_list())

    def strangers(self, out: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
        """Every other chip, and what is left out to judge it: its twins too, unless nothing would be left to learn."""
        found = []
        for name in self._names:
            beside = out | self._twins(name)
            if beside == set(self._names):
                beside = out | {name}
            if name not in out and beside != set(self._names):
                found.append((name, beside))
        return found

    def prepare(self, targets: Sequence[frozenset[str]]) -> None:
        """Fit all that the targets will ask for, two at a time: compiled loops let go of the interpreter."""
        needed = {one for out in targets for one in (out, *(beside for _, beside in self.strangers(out)))}
        missing = sorted(needed - set(self._models), key=sorted)
        with ThreadPoolExecutor(FITS_AT_ONCE) as pool:
            self._models |= dict(zip(missing, pool.map(self._fit, missing), strict=True))

    def _twins(self, name: str) -> frozenset[str]:
        """A chip and every measured one with the same cores and cache."""
        chips = self.truth.chips
        mine = [getattr(chips[name], field) for field in SAME_DIE]
        return frozenset(other for other in self._names if mine == [getattr(chips[other], field) for field in SAME_DIE])

    def _gap(self, names: frozenset[str], out: frozenset[str]) -> float:
        """Distance of the farthest of some chips to the nearest chip that is not out."""
        chips = self.truth.chips
        return max(
            to_nearest(chips[name], [chips[other] for other in self._names if other not in out]) for name in names
        )

    def _errors(self, out: frozenset[str], trust: float) -> list[np.ndarray]:
        """Log of predicted over measured on each other chip, by a model that has not seen it or its twin either.

        Where nothing but its twin is left to learn from, by the closed form alone: a correction learned on a twin says
        nothing of how far it carries to another die.
        """
        told = [(self._log_parts(beside, name), self._twins(name) <= beside) for name, beside in self.strangers(out)]
        return [closed + trust * is_strange * learned for (closed, learned), is_strange in told]

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

    def _bare(self, out: frozenset[str]) -> FamilyModel:
        if out not in self._models:
            self._models[out] = self._fit(out)
        return self._models[out]

    def _fit(self, out: frozenset[str]) -> FamilyModel:
        dtypes = self.shared_dtypes(out)
        if not dtypes:
            named = ", ".join(self._names)
            raise TooFewRows(f"{self.family.name}: nothing that chips share is left of {named}; leave out fewer")
        rows = self.truth.best.filter(pl.col("dtype").is_in(dtypes))
        seen = rows.filter(~pl.col("chip").is_in(list(out)))
        constants = fit_constants(self.family, seen, self.truth.chips, self._prior, evaluations=EVALUATIONS)
        chosen = seen[few_per_chip(seen, (), FITTED_PER_CHIP)]
        return fit_model(self.family, chosen, self.truth.chips, constants, UNSEEN_CHIPS, sees_chip=False)


def subsets(truth: Truth, twins: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Every chip alone, and every pair of twins that the tables hold both of."""
    names = set(truth.chips)
    return [*(frozenset({name}) for name in sorted(names)), *(pair for pair in twins if pair <= names)]
