"""The learner for few rows on a grid of sizes."""

import numpy as np
import pytest

from hwmodel.silicon.collective_residual import COLUMNS, covariance, fit_collective_residual
from hwmodel.silicon.errors import TooFewRows


def grid(offset: float = 0.0) -> np.ndarray:
    """Sizes of 2^8 to 2^28 among 2, 4 and 8 ranks of two chips, one operation."""
    sizes, ranks, chips = np.meshgrid(np.arange(8.0, 28.0) + offset, [1.0, 2.0, 3.0], [8.6, 9.0], indexing="ij")
    points = np.zeros((sizes.size, len(COLUMNS)))
    points[:, 0], points[:, 1], points[:, 5] = sizes.ravel(), ranks.ravel(), chips.ravel()
    return points


def bump(points: np.ndarray) -> np.ndarray:
    return np.asarray(0.3 * np.exp(-(((points[:, 0] - 18.0) / 4.0) ** 2)) + 0.05 * points[:, 1])


def test_a_smooth_residual_is_found_between_the_sizes_of_the_grid() -> None:
    law = fit_collective_residual(grid(), bump(grid()))
    between = grid(0.5)[: -2 * 3]
    assert np.abs(law.log_ratio(between) - bump(between)).max() < 0.03
    assert law.rows_count == 120


def test_corrections_stay_in_the_measured_range_and_within_a_factor_of_two_and_fade_outside() -> None:
    law = fit_collective_residual(grid(), 10.0 * bump(grid()))
    assert law.log_ratio(grid()).max() <= np.log(2.0)
    far = grid()
    far[:, 0] += 100.0
    assert np.abs(law.log_ratio(far)).max() < 0.01


def test_covariance_is_symmetric_positive_and_falls_with_distance() -> None:
    points = grid()
    matrix = covariance(points, points)
    np.testing.assert_allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9
    assert (np.diff(matrix[0, ::6]) < 0.0).all()


def test_rows_of_several_stacks_at_one_point_are_told_apart_by_their_own_columns() -> None:
    points = np.concatenate([np.c_[grid(), np.zeros(120)], np.c_[grid(), np.ones(120)]])
    law = fit_collective_residual(points, 0.4 * points[:, -1])
    np.testing.assert_allclose(law.log_ratio(points), 0.4 * points[:, -1], atol=0.02)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(TooFewRows, match="99 rows"):
        fit_collective_residual(grid()[:99], np.zeros(99))
