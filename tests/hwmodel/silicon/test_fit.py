"""Constants that were planted in the times of three chips are found again."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.fit import few_per_group, fit_constants
from hwmodel.timing import FIRST_CONSTANTS
from tests.hwmodel.silicon.planted import PLANTED, SMALL, designs, products, timed

THREE = ("a100-sxm-80", "h100-sxm", "b200-sxm")
NAMES = [one.name for one in SMALL.fitted]


def noisy(rows: pl.DataFrame, sigma: float, seed: int = 0) -> pl.DataFrame:
    noise = np.exp(np.random.default_rng(seed).normal(0.0, sigma, len(rows)))
    return rows.with_columns(latency_s=pl.col("latency_s") * pl.Series(noise))


def test_planted_constants_are_found_within_three_per_cent_under_noise_of_three_per_cent() -> None:
    rows = noisy(timed(products(THREE, 120)), 0.03)
    found = fit_constants(SMALL, rows, designs(THREE), FIRST_CONSTANTS, evaluations=300)
    for name in NAMES:
        assert getattr(found, name) == pytest.approx(getattr(PLANTED, name), rel=0.03)


def test_constants_that_the_family_does_not_name_stay_as_they_were() -> None:
    prior = replace(FIRST_CONSTANTS, wave_clk=1234.0)
    found = fit_constants(SMALL, timed(products(THREE, 30)), designs(THREE), prior, evaluations=60)
    kept = {name: getattr(prior, name) for name in NAMES}
    assert replace(found, **kept) == prior


def test_constants_stay_inside_their_bounds_even_where_the_times_lie_beyond() -> None:
    rows = timed(products(THREE, 40), dict.fromkeys(THREE, 20.0))
    found = fit_constants(SMALL, rows, designs(THREE), FIRST_CONSTANTS, evaluations=150)
    for one in SMALL.fitted:
        assert one.low * 0.999 <= getattr(found, one.name) <= one.high * 1.001
    assert found.launch_clk == pytest.approx(8000.0, rel=0.05)


def test_a_format_of_one_chip_alone_says_nothing_of_what_chips_share() -> None:
    both = timed(products(THREE, 30))
    alone = timed(products(("b200-sxm",), 30, dtype="fp8"), {"b200-sxm": 5.0})
    chips = designs(THREE)
    with_it = fit_constants(SMALL, pl.concat([both, alone]), chips, FIRST_CONSTANTS, evaluations=60)
    assert with_it == fit_constants(SMALL, both, chips, FIRST_CONSTANTS, evaluations=60)


def test_each_chip_counts_the_same_however_many_rows_it_has() -> None:
    """Two chips say 0.7 of HBM, one with many more rows says 0.9: the two win."""
    family = replace(SMALL, fitted=SMALL.fitted[:1])
    shapes = products(("h100-sxm",), 60).filter(pl.col("m") <= 16)
    slower = shapes.with_columns(n=pl.lit(12800), k=pl.lit(12800))
    bandwidth = PLANTED.hbm_ratio / 0.7
    few = [
        timed(slower.head(3).with_columns(chip=pl.lit(name)), {name: bandwidth}) for name in ("h100-sxm", "b200-sxm")
    ]
    many = timed(pl.concat([slower.with_columns(chip=pl.lit("a100-sxm-80"))] * 8))
    found = fit_constants(family, pl.concat([*few, many]), designs(THREE), PLANTED, evaluations=60)
    assert found.hbm_ratio == pytest.approx(0.7, rel=0.05)


def test_few_per_group_takes_so_many_of_each_chip_and_format_by_seed() -> None:
    rows = pl.concat([products(THREE, 30), products(("b200-sxm",), 5, dtype="fp8")])
    chosen = few_per_group(rows, 10, seed=0)
    counted = rows.filter(pl.Series(chosen)).group_by("chip", "dtype").len()
    assert sorted(counted["len"]) == [5, 10, 10, 10]
    assert (few_per_group(rows, 10, seed=0) == chosen).all()
    assert (few_per_group(rows, 10, seed=1) != chosen).any()
