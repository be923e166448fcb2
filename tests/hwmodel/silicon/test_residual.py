"""The learned correction: finds what was planted, never more than a factor 2, nothing far from what was seen."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.residual import FADE_RATIO, LEAST_ROWS, Learner, ResidualLaw, fit_residual

SIZE = Learner(iterations=60, leaves=15, rate=0.2, least_leaf_rows=10)


def features(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 1.0, (rows, 3)).astype(np.float32)


def planted(x: np.ndarray, scale: float = 0.3) -> np.ndarray:
    return np.asarray(scale * np.cos(np.pi * x[:, 0]), dtype=np.float64)


@pytest.fixture(scope="module")
def law() -> ResidualLaw:
    seen = features(1500)
    return fit_residual(seen, planted(seen), SIZE)


def test_a_planted_correction_is_found_on_rows_that_were_not_seen(law: ResidualLaw) -> None:
    asked = features(400, seed=1)
    assert law.log_ratio(np.clip(asked, law.low, law.high)) == pytest.approx(planted(asked), abs=0.04)


def test_one_slow_library_does_not_pull_its_neighbours() -> None:
    """Absolute error: a tenth of the rows five times slower at random leaves the others where they are."""
    seen = features(1500)
    slow = np.random.default_rng(2).random(len(seen)) < 0.1
    law = fit_residual(seen, planted(seen) + np.where(slow, np.log(5.0), 0.0), replace(SIZE, iterations=30))
    wrong = np.abs(law.log_ratio(seen)[~slow] - planted(seen)[~slow])
    assert np.quantile(wrong, 0.9) < 0.1


@pytest.mark.parametrize("scale", [3.0, -3.0])
def test_a_correction_never_more_than_doubles_or_halves(scale: float) -> None:
    seen = features(500)
    found = np.exp(fit_residual(seen, planted(seen, scale), SIZE).log_ratio(seen))
    assert found.min() >= 0.5 - 1e-9
    assert found.max() <= 2.0 + 1e-9
    assert found.max() == pytest.approx(2.0)
    assert found.min() == pytest.approx(0.5)


def test_a_correction_is_never_larger_than_the_measured_ones(law: ResidualLaw) -> None:
    told = law.log_ratio(features(500, seed=4))
    assert np.abs(told).max() <= 0.3 + 1e-9


def test_a_correction_fades_outside_the_range_that_was_seen(law: ResidualLaw) -> None:
    inside = np.array([[0.1, 0.5, 0.5]], dtype=np.float32)
    whole = law.log_ratio(inside)[0]
    told = []
    for beyond in (0.0, 0.5 * FADE_RATIO, FADE_RATIO, 1.0, 10.0):
        row = inside.astype(np.float64)
        row[0, 1] = law.high[1] + beyond * (law.high[1] - law.low[1])
        told.append(law.log_ratio(row)[0])
    assert told[0] == pytest.approx(whole, abs=0.03)
    assert told[2] == pytest.approx(0.5 * told[0], rel=0.01)
    assert told == sorted(told, reverse=True)
    assert abs(told[-1]) < 0.01


def test_arrays_of_a_correction_make_the_same_correction_again(law: ResidualLaw) -> None:
    again = ResidualLaw.of_arrays(law.arrays())
    asked = features(300, seed=5) * 1.5
    assert again.log_ratio(asked).tolist() == law.log_ratio(asked).tolist()
    assert again.rows_count == law.rows_count == 1500


def test_the_same_rows_and_seed_give_the_same_trees() -> None:
    seen = features(300)
    first, second = (fit_residual(seen, planted(seen), replace(SIZE, iterations=10)) for _ in range(2))
    assert first.log_ratio(seen).tolist() == second.log_ratio(seen).tolist()


def test_too_few_rows_are_refused_with_the_number_that_it_takes() -> None:
    seen = features(LEAST_ROWS - 1)
    with pytest.raises(TooFewRows, match=r"99 rows .* takes 100"):
        fit_residual(seen, planted(seen), SIZE)
