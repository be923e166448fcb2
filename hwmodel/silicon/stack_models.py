"""Times of one serving stack: its own law where it was measured, else the best one's time and what it takes longer."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from hwmodel.silicon.calls import Physics
from hwmodel.silicon.errors import UnknownStack
from hwmodel.silicon.family import Chips, Family
from hwmodel.silicon.features import features_of, number
from hwmodel.silicon.left_out import JUDGED_PER_CHIP, WANTED_QUANTILE, LeftOut
from hwmodel.silicon.model import Estimate, FamilyModel, physics_of
from hwmodel.silicon.scores import conformal_factor
from hwmodel.silicon.splits import few
from hwmodel.silicon.stack_kernels import KernelChoices, fit_kernel_choices
from hwmodel.silicon.stack_laws import (
    LONGER,
    MOST_PER_STACK,
    OWN_TIMES,
    STACK,
    StackLaws,
    StackName,
    few_per_stack,
    fit_stack_laws,
)
from hwmodel.silicon.truth import Truth
from hwmodel.timing import TimingConstants

GROUPS = ["chip", *STACK, "bucket"]
"""What has an interval width of its own."""
BEST = "best_s"
"""Time of the best stack at the same shape on the same chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackModels:
    """What was learned of the stacks of one family."""

    family: Family
    own: StackLaws
    """On chips where they were measured; knows how each chip is balanced."""
    longer: StackLaws
    """Over the best stack's time at the same shape, for every other chip."""
    choices: KernelChoices
    """The kernel that a backend runs."""
    factors: pl.DataFrame
    """`GROUPS` and factor, from shapes that were held out; names what was measured on which chip."""
    unseen_factor: float
    """For what was not measured: the worst of the measured chips, each left out in turn."""

    def known(self) -> set[StackName]:
        """Every stack, kernel and format that can be told."""
        return set(self.own.laws) | set(self.longer.laws)

    def named(self, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, *, may_be_new: bool) -> pl.DataFrame:
        """The rows with the kernel that each runs, whether that was inferred, and why a row cannot be told.

        Args:
            rows: chip, the family's keys, backend, kernel; a null kernel means the one that the backend runs.
            chips: The design of every chip that the rows name.
            constants: Of the closed form.
            may_be_new: A kernel that nobody measured counts as the one that its backend ran: chips that nobody
                measured may bring kernels of their own.

        Returns:
            The rows with kernel filled, is_inferred, and reason (null where the row can be told).

        Raises:
            UnknownStack: A backend that nobody measured, or a kernel where none can be new.
        """
        known = pl.DataFrame(sorted(self.known()), schema=dict.fromkeys(STACK, pl.String), orient="row")
        is_inferred = self._is_new(rows, known, may_be_new=may_be_new) | rows["kernel"].is_null()
        seen, _ = _features(self.family, rows, chips, constants, with_chip=True)
        inferred = pl.Series(self.choices.kernels(rows, seen), dtype=pl.String)
        told = rows.with_columns(
            kernel=pl.when(is_inferred).then(inferred).otherwise("kernel"), is_inferred=is_inferred
        )
        what = pl.concat_str("backend", "kernel", separator="/", ignore_nulls=True)
        reason = pl.format("{} was not measured with dtype {}", what, "dtype")
        return told.with_columns(reason=pl.when(~is_among(told, known)).then(reason))

    @staticmethod
    def _is_new(rows: pl.DataFrame, known: pl.DataFrame, *, may_be_new: bool) -> pl.Series:
        """Rows whose kernel nobody measured."""
        backends = sorted(known["backend"].unique())
        for backend in rows["backend"].unique().sort():
            if backend not in backends:
                raise UnknownStack(f"no serving stack {backend!r} was measured; known: {', '.join(backends)}")
        is_new = rows["kernel"].is_not_null() & ~is_among(rows, known.select("backend", "kernel").unique())
        if is_new.any() and not may_be_new:
            backend, kernel = rows.filter(is_new).select("backend", "kernel").row(0)
            names = ", ".join(known.filter(pl.col("backend") == backend)["kernel"].unique().sort())
            raise UnknownStack(f"no kernel {kernel!r} of {backend} was measured; known: {names}")
        return is_new

    def measured(self, rows: pl.DataFrame) -> Bool[np.ndarray, "rows"]:
        """Rows whose stack was measured on their chip."""
        own = pl.DataFrame(list(self.own.laws), schema=dict.fromkeys(STACK, pl.String), orient="row")
        return (is_among(rows, self.factors.select("chip", *STACK).unique()) & is_among(rows, own)).to_numpy()

    def estimate(self, rows: pl.DataFrame, chips: Chips, best: FamilyModel) -> Estimate:
        """Time of each row, whose backend, kernel and dtype are known; never under the bound.

        Args:
            rows: chip, the family's keys, backend, kernel.
            chips: The design of every chip that the rows name.
            best: Model of the best stack's times.
        """
        is_here = self.measured(rows)
        own = own_estimate(self.family, rows, chips, best.constants, self.own)
        plain, _ = _features(self.family, rows, chips, best.constants, with_chip=False)
        longer = np.maximum(self.longer.log_ratio(rows, plain), 0.0)
        told = best.estimate(rows, chips)
        latency_s = np.where(is_here | np.isnan(longer), own.latency_s, told.latency_s * np.exp(longer))
        return replace(own, latency_s=np.maximum(latency_s, own.bound_s))

    def widths(self, rows: pl.DataFrame) -> pl.Series:
        """Half-width of each row's 90 % interval, as a factor (columns `GROUPS`)."""
        told = rows.select(GROUPS).join(self.factors, on=GROUPS, how="left", maintain_order="left")["factor"]
        wide = self.factors.group_by("chip", *STACK).agg(widest=pl.col("factor").max())
        fallback = rows.select(GROUPS).join(wide, on=["chip", *STACK], how="left", maintain_order="left")["widest"]
        return told.fill_null(fallback).fill_null(self.unseen_factor)


def is_among(rows: pl.DataFrame, names: pl.DataFrame) -> pl.Series:
    """Rows whose values in the columns of `names`, which are distinct, are one of its rows."""
    on = names.columns
    told = rows.select(on).join(names.with_columns(is_among=True), on=on, how="left", maintain_order="left")
    return told["is_among"].fill_null(value=False)


def fit_own_times(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, chosen: Bool[np.ndarray, "rows"]
) -> tuple[StackLaws, KernelChoices]:
    """Learn each stack's own times and which kernel it runs.

    Args:
        family: What the rows are.
        rows: chip, backend, kernel, the family's keys, latency_s.
        chips: The design of every chip that the rows name.
        constants: Of the closed form.
        chosen: Rows that may be looked at.
    """
    seen = rows[few_per_stack(rows, chosen, MOST_PER_STACK)]
    features, physics = _features(family, seen, chips, constants, with_chip=True)
    log_ratio = np.log(seen["latency_s"].to_numpy() / physics.latency_s)
    return fit_stack_laws(seen, features, log_ratio, OWN_TIMES), fit_kernel_choices(seen, features)


def fit_longer(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, out: frozenset[str]
) -> StackLaws:
    """Learn how much longer each stack takes than the best one, on chips that are not out; rows have `BEST`."""
    wanted = pl.col(BEST).is_not_null() & ~pl.col("chip").is_in(list(out))
    seen = rows.filter(wanted)
    seen = seen[few_per_stack(seen, np.ones(len(seen), dtype=bool), JUDGED_PER_CHIP)]
    features, _ = _features(family, seen, chips, constants, with_chip=False)
    log_ratio = np.log(seen["latency_s"].to_numpy() / seen[BEST].to_numpy())
    return fit_stack_laws(seen, features, log_ratio, LONGER)


def with_best(family: Family, truth: Truth) -> pl.DataFrame:
    """Each stack's own times, their kernels never null, and `BEST` beside them where the shape has one."""
    own = truth.own.with_columns(kernel=pl.col("kernel").fill_null(""))
    if BEST in own.columns:
        return own
    best = truth.best.select("chip", *family.keys, pl.col("latency_s").alias(BEST))
    return own.join(best, on=["chip", *family.keys], how="left", maintain_order="left")


def own_times_held_out(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, chosen: Bool[np.ndarray, "rows"]
) -> pl.DataFrame:
    """The rows that are not chosen with predicted_s, closed_form_s and bound_s, by laws of those that are.

    A stack without a law of its own is told by the closed form.
    """
    laws, _ = fit_own_times(family, rows, chips, constants, chosen)
    held = rows.filter(~chosen)
    return held.with_columns(*own_estimate(family, held, chips, constants, laws).columns)


def own_estimate(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, laws: StackLaws
) -> Estimate:
    """Closed form times each stack's law, never under the bound; the closed form alone for a stack without one."""
    features, physics = _features(family, rows, chips, constants, with_chip=True)
    latency_s = physics.latency_s * np.exp(np.nan_to_num(laws.log_ratio(rows, features)))
    return Estimate(
        latency_s=np.maximum(latency_s, physics.bound_s),
        closed_form_s=physics.latency_s,
        bound_s=physics.bound_s,
        physics=physics,
    )


def held_out_factors(told: pl.DataFrame) -> pl.DataFrame:
    """Width of intervals by `GROUPS` from rows that no law has seen: latency_s, predicted_s."""
    found = conformal_factor(told, GROUPS)
    return found.filter(pl.col("factor").is_finite()).select(*GROUPS, "factor").sort(GROUPS)


def unseen_factor(left_out: LeftOut, rows: pl.DataFrame, out: frozenset[str]) -> float:
    """Worst 90 % quantile of the error on every other chip, told by models without it and its twins.

    Args:
        left_out: Models of the best stack's times that have not seen some chips.
        rows: Each stack's own times, with `BEST`.
        out: Chips that are out of everything.
    """
    family, chips = left_out.family, left_out.truth.chips
    radii = []
    for name, beside in left_out.strangers(out):
        model = left_out.model(beside)
        here = rows.filter((pl.col("chip") == name) & pl.col("dtype").is_in(left_out.shared_dtypes(out)))
        here = here[few(np.ones(len(here), dtype=bool), JUDGED_PER_CHIP)]
        plain, _ = _features(family, here, chips, model.constants, with_chip=False)
        longer = fit_longer(family, rows, chips, model.constants, beside).log_ratio(here, plain)
        told = np.log(model.estimate(here, chips).latency_s / here["latency_s"].to_numpy()) + np.maximum(longer, 0.0)
        known = told[~np.isnan(longer)]
        if len(known):
            radii.append(float(np.quantile(np.abs(known), WANTED_QUANTILE)))
    return float(np.exp(max(radii, default=np.inf)))


def _features(
    family: Family, rows: pl.DataFrame, chips: Chips, constants: TimingConstants, *, with_chip: bool
) -> tuple[Float[np.ndarray, "rows features"], Physics]:
    physics = physics_of(family, rows, chips, constants, is_timed=with_chip)
    seen = features_of(family, rows, physics, chips, with_chip=with_chip)
    keys = [np.log1p(number(rows, name)).astype(np.float32)[:, None] for name in family.stack_keys]
    return np.concatenate([seen, *keys], axis=1), physics
