"""Grids of step-time tables and the straight lines between their points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving.grids import TILE_ROWS, at_whole_numbers, context_grid, jumping_grid, pairs, smooth_grid


@given(most=st.integers(1, 5000), whole=st.sampled_from([16, 64]), per_octave=st.sampled_from([4, 8, 16]))
def test_a_jumping_grid_has_both_sides_of_its_jumps_and_as_many_per_octave_as_asked(
    *, most: int, whole: int, per_octave: int
) -> None:
    grid = jumping_grid(most, whole=whole, jumps_per_octave=per_octave).astype(int)
    assert grid[: min(whole, most)].tolist() == list(range(1, min(whole, most) + 1))
    assert grid[-1] >= most
    behind = grid[(grid > whole) & (grid < grid[-1]) & (grid % TILE_ROWS == 0)]
    assert np.isin(behind + 1, grid).all()
    for octave in (64, 256, 1024):
        if 2 * octave <= most:
            jumps = (behind >= octave) & (behind < 2 * octave)
            assert jumps.sum() + (octave == whole) == min(per_octave, octave // TILE_ROWS)


def test_a_smooth_grid_holds_whole_numbers_at_first_and_then_so_many_per_doubling() -> None:
    assert smooth_grid(40, points_per_octave=4).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40]


def test_contexts_stand_evenly_between_powers_of_two() -> None:
    assert context_grid(2)[:6].tolist() == [32, 48, 64, 96, 128, 192]
    assert context_grid(1).tolist() == [2.0**octave for octave in range(5, 21)]


def test_values_at_whole_numbers_lie_on_lines_between_the_points_and_are_held_at_both_ends() -> None:
    at, slope = np.array([1.0, 2.0, 6.0]), np.array([[1.0], [10.0]])
    values = at_whole_numbers(at, slope * np.array([3.0, 4.0, 8.0]), 8)
    np.testing.assert_allclose(values, slope * [3, 3, 4, 5, 6, 7, 8, 8, 8])


def test_values_of_several_contexts_keep_them_apart() -> None:
    at = np.array([1.0, 3.0])
    rows, contexts = pairs(at, np.array([32.0, 64.0, 128.0]))
    values = at_whole_numbers(at, (rows * contexts).reshape(1, 2, 3), 3)
    np.testing.assert_allclose(values[0, 2], 2.0 * np.array([32.0, 64.0, 128.0]))
