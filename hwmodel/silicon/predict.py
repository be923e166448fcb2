"""Times of kernels that somebody asks for, on any chip of the catalogue: a number with its interval, or a reason."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hwmodel.catalog import Catalog, CatalogError, ChipDesign, timed_design_of
from hwmodel.silicon.calibration import Calibration, FamilyCalibration
from hwmodel.silicon.calls import PARTS, Physics
from hwmodel.silicon.errors import NoCalibration, UnreadableTable
from hwmodel.silicon.evidence import EVIDENCE, STACK_EVIDENCE
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.family import Family
from hwmodel.silicon.model import Estimate
from hwmodel.timing.evaluate import BINDING_PARTS

ADDED = ("latency_s", "latency_lo_s", "latency_hi_s", "bound_s", "binding_resource", "evidence")
"""Columns that a prediction adds."""
WORDS = ("backend", "kernel")
"""Columns that name a serving stack and its kernel."""
ROW, REASON = "row_of_request", "reason_of_refusal"
"""Columns that are added on the way and taken out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Kernels on one chip."""

    chip: str
    """Id in the catalogue."""
    rows: pl.DataFrame
    """The key columns of one family, in any order; further columns are kept. A row that names a `backend`, and a
    `kernel` or none, asks for that serving stack's own time; others for the best stack's."""
    allow_estimates: bool = False
    """Let numbers that nobody published stand in for what the chip lacks."""


def family_of(columns: Sequence[str]) -> Family:
    """The family whose keys are all there.

    Raises:
        UnreadableTable: No family, or more than one, is named by the columns.
    """
    found = [family for family in FAMILIES if set(family.keys) <= set(columns)]
    if len(found) != 1:
        wanted = "; ".join(f"{family.name}: {', '.join(family.keys)}" for family in FAMILIES)
        raise UnreadableTable(f"columns {', '.join(columns) or 'none'} name no family of kernels; {wanted}")
    return found[0]


def predict(request: Request, catalog: Catalog, calibration: Calibration) -> pl.DataFrame:
    """Every row with `ADDED`; a row that cannot be timed has nulls and a reason as its evidence.

    Args:
        request: What to time.
        catalog: Where the chip is described.
        calibration: Fitted models.

    Raises:
        UnreadableTable: The columns name no family, or hold something else than numbers.
        UnknownStack: A serving stack, or a kernel of it on a measured chip, that nobody measured.
        NoCalibration: The family was not fitted, or no stack was told apart where one is asked for.
        CatalogError: No such chip.
    """
    family = family_of(request.rows.columns)
    spec = catalog.chip(request.chip)
    rows = request.rows.drop([name for name in ADDED if name in request.rows.columns])
    numbered = rows.with_row_index(ROW)
    try:
        chip = timed_design_of(spec, allow_estimates=request.allow_estimates)
    except CatalogError as error:
        return _without(numbered, str(error)).drop(ROW)
    if numbered.is_empty():
        return _without(numbered, "").drop(ROW)
    try:
        refused = numbered.select(_infinite(numbered, family), said=family.refusal(numbered, chip))
        told = numbered.with_columns(refused.select(pl.coalesce("infinite", "said").alias(REASON)))
        good = told.filter(pl.col(REASON).is_null()).drop(REASON)
        parts = _answered(good, family, chip, calibration.of(family.name)) if len(good) else []
    except pl.exceptions.PolarsError as error:
        keys, reason = ", ".join(family.keys), str(error).splitlines()[0][:200]
        raise UnreadableTable(f"columns {keys} are not those of kernels of family {family.name}: {reason}") from error
    bad = told.filter(pl.col(REASON).is_not_null())
    if len(bad):
        parts.append(bad.with_columns(**_nulls(), evidence=pl.col(REASON)).drop(REASON))
    return pl.concat(parts).sort(ROW).drop(ROW)


def _infinite(rows: pl.DataFrame, family: Family) -> pl.Expr:
    """Why a row with a key that is no number cannot be timed."""
    floats = [name for name in family.keys if rows.schema[name].is_float()]
    broken = pl.any_horizontal(pl.lit(False), *(~pl.col(name).is_finite() for name in floats))  # noqa: FBT003 - a literal
    return pl.when(broken).then(pl.lit(f"{', '.join(floats)} must be finite numbers")).alias("infinite")


def _answered(rows: pl.DataFrame, family: Family, chip: ChipDesign, fitted: FamilyCalibration) -> list[pl.DataFrame]:
    """Rows of the best stack and those that name one, each with `ADDED`."""
    stack = _word(rows, "backend")
    found = [
        _timed(rows.filter(stack.is_null()), family, chip, fitted),
        _stack_timed(rows.filter(stack.is_not_null()), family, chip, fitted),
    ]
    return [one for one in found if len(one)]


def _timed(rows: pl.DataFrame, family: Family, chip: ChipDesign, fitted: FamilyCalibration) -> pl.DataFrame:
    if rows.is_empty():
        return rows
    named = rows.with_columns(chip=pl.lit(chip.name), bucket=family.bucket)
    is_measured = chip.name in fitted.chips
    model = fitted.seen if is_measured else fitted.unseen
    found = model.estimate(named, {chip.name: chip})
    factor = fitted.widths.of(named, chip.name)
    return _with(rows, found, factor).with_columns(evidence=pl.lit(EVIDENCE[is_measured]))


def _stack_timed(rows: pl.DataFrame, family: Family, chip: ChipDesign, fitted: FamilyCalibration) -> pl.DataFrame:
    """Each row by the stack that it names; a stack that was not measured in that format has a reason."""
    if rows.is_empty():
        return rows
    if fitted.stacks is None:
        raise NoCalibration(
            f"this calibration tells no serving stacks of {family.name} apart; leave out the column backend, or run "
            "`scoville calibrate`"
        )
    asked = rows.with_columns(chip=pl.lit(chip.name), bucket=family.bucket, **{one: _word(rows, one) for one in WORDS})
    chips, is_measured = {chip.name: chip}, chip.name in fitted.chips
    best = fitted.seen if is_measured else fitted.unseen
    named = fitted.stacks.named(asked, chips, best.constants, may_be_new=not is_measured)
    is_good = named["reason"].is_null()
    bad = rows.filter(~is_good).with_columns(**_nulls(), evidence=named.filter(~is_good)["reason"])
    good = named.filter(is_good)
    if good.is_empty():
        return bad
    found = fitted.stacks.estimate(good, chips, best)
    here = pl.Series(fitted.stacks.measured(good)).replace_strict(STACK_EVIDENCE, return_dtype=pl.String)
    meant = pl.when("is_inferred").then(pl.format("; kernel meant: {}", "kernel")).otherwise(pl.lit(""))
    words = good.select(here.alias("words") + meant)["words"]
    told = _with(rows.filter(is_good), found, fitted.stacks.widths(good)).with_columns(evidence=words)
    return pl.concat([told, bad])


def _word(rows: pl.DataFrame, column: str) -> pl.Series:
    """A column as words, null where it is empty or not there."""
    if column not in rows.columns:
        return pl.Series(column, [None] * len(rows), dtype=pl.String)
    words = rows[column].cast(pl.String)
    return words.set(words == "", None)


def _with(rows: pl.DataFrame, found: Estimate, factor: pl.Series) -> pl.DataFrame:
    return rows.with_columns(
        pl.Series("latency_s", found.latency_s),
        pl.Series("latency_lo_s", found.latency_s / factor.to_numpy()),
        pl.Series("latency_hi_s", found.latency_s * factor.to_numpy()),
        pl.Series("bound_s", found.bound_s),
        pl.Series("binding_resource", binding_resources(found.physics)),
    ).with_columns(latency_lo_s=pl.max_horizontal("latency_lo_s", "bound_s"))


def binding_resources(physics: Physics) -> list[str]:
    """Name of the largest part of the closed form of each row."""
    totals = pl.DataFrame(
        {
            part: sum((told for name, told in physics.parts.items() if name.endswith(f".{part}")), start=0.0)
            for part in PARTS
        }
    )
    largest = totals.to_numpy().argmax(axis=1)
    return [BINDING_PARTS[position][0].value for position in largest]


def _nulls() -> dict[str, pl.Expr]:
    numbers = ("latency_s", "latency_lo_s", "latency_hi_s", "bound_s")
    columns = {name: pl.lit(None, dtype=pl.Float64) for name in numbers}
    return {**columns, "binding_resource": pl.lit(None, dtype=pl.String)}


def _without(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    return rows.with_columns(**_nulls(), evidence=pl.lit(reason))
