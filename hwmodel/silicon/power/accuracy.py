"""How well board power is told of shapes that were held out, beside the best constant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from hwmodel.silicon.features import number
from hwmodel.silicon.power.families import POWER_FAMILIES, PowerFamily
from hwmodel.silicon.power.model import fit_power, widened
from hwmodel.silicon.power.physics import PowerLaw, fit_power_law
from hwmodel.silicon.splits import SPLIT_SEED, TO_CALIBRATE, TO_FIT, TO_SCORE, shape_folds

ALL = "all"
CONSTANTS = 400
"""Constants that are tried between the least and the most power."""
Ratios = Float[np.ndarray, "rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """Errors of one family's held-out rows; ratios, not per cent."""

    family: str
    """Name of the family; `all` for the rows of all families together."""
    basis: str
    """On what figures of it rest."""
    rows: int
    mape: float
    median_ape: float
    bias: float
    physics_mape: float
    """Of static power and energies alone."""
    constant_mape: float
    """Of the one power that fits the family's other shapes best."""
    interval_coverage: float
    """Share of the rows inside their interval of nominal 90 %."""
    width: float
    """Mean relative half-width of those intervals; at least `LEAST_WIDTH`."""


def power_accuracy(
    tables: Mapping[str, pl.DataFrame], families: Sequence[PowerFamily] = POWER_FAMILIES, *, seed: int = SPLIT_SEED
) -> tuple[list[PowerRow], PowerLaw]:
    """Fit one law for all families and a ratio for each on most shapes; score the rest.

    Args:
        tables: Rows of each family by its name, as `PowerFamily.read` gives them.
        families: What to score.
        seed: Another one holds other shapes out.

    Returns:
        A row per family and one over all, and the law.

    Raises:
        TooFewRows: A table is too small to fit on.
    """
    folds = {one.name: shape_folds(tables[one.name], one.shape, seed=seed) for one in families}
    law = common_law({one: tables[one.name].filter(folds[one.name] == TO_FIT) for one in families})
    scored = {one.name: _scored(one, law, tables[one.name], folds[one.name]) for one in families}
    rows = [_row(one.name, one.basis, scored[one.name]) for one in families]
    basis = " and ".join(sorted({one.basis for one in families}))
    return [*rows, _row(ALL, basis, pl.concat(scored.values()))], law


def common_law(rows: Mapping[PowerFamily, pl.DataFrame]) -> PowerLaw:
    """One static power and one energy per kind of work over all families."""
    work = [family.work(one) for family, one in rows.items()]
    rates = [told.rates(number(one, "latency_s")) for told, one in zip(work, rows.values(), strict=True)]
    told = pl.concat([one.select("power_w", "power_limit_w") for one in rows.values()])
    power_w, limit_w = number(told, "power_w"), number(told, "power_limit_w")
    return fit_power_law(np.concatenate(rates), work[0].kinds, power_w, limit_w)


def _scored(family: PowerFamily, law: PowerLaw, rows: pl.DataFrame, fold: Int[np.ndarray, "rows"]) -> pl.DataFrame:
    """Measured and predicted power, its interval, physics and the best constant, W, of the rows held out."""
    test, train = rows.filter(fold == TO_SCORE), rows.filter(fold == TO_FIT)
    model = widened(fit_power(family, law, train), rows.filter(fold == TO_CALIBRATE))
    found = model.estimate(test)
    return pl.DataFrame(
        {
            "power_w": number(test, "power_w"),
            "predicted_w": found.power_w,
            "physics_w": found.physics_w,
            "low_w": found.low_w,
            "high_w": found.high_w,
            "constant_w": np.full(len(test), best_constant(number(train, "power_w"))),
            "width": np.full(len(test), model.width),
        }
    )


def best_constant(power_w: Float[np.ndarray, "rows"]) -> float:
    """The constant of least mean relative error."""
    tried = np.linspace(power_w.min(), power_w.max(), CONSTANTS)
    return float(tried[np.argmin([np.abs(one / power_w - 1.0).mean() for one in tried])])


def _row(name: str, basis: str, scored: pl.DataFrame) -> PowerRow:
    def errors(column: str) -> Ratios:
        return (scored[column] / scored["power_w"]).to_numpy() - 1.0

    error = errors("predicted_w")
    return PowerRow(
        family=name,
        basis=basis,
        rows=len(scored),
        mape=float(np.abs(error).mean()),
        median_ape=float(np.median(np.abs(error))),
        bias=float(error.mean()),
        physics_mape=float(np.abs(errors("physics_w")).mean()),
        constant_mape=float(np.abs(errors("constant_w")).mean()),
        interval_coverage=float(scored["power_w"].is_between(scored["low_w"], scored["high_w"]).to_numpy().mean()),
        width=float(scored["width"].to_numpy().mean()),
    )
