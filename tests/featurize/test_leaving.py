import numpy as np
import pytest

from featurize.leaving import MIN_EXPOSED_COUNT, MOST_LEFT_RATIO, Waits, leaving_hazards


def waits(*kinds: tuple[int, int, int, int, bool, bool]) -> Waits:
    """Waits from kinds of them: count, stratum, wait cell, end cell, still waiting, left."""
    count, stratum, wait, end, waiting, left = (np.array(column) for column in zip(*kinds, strict=True))
    return Waits(
        stratum=np.repeat(stratum, count),
        wait_cell=np.repeat(wait, count),
        end_cell=np.repeat(end, count),
        is_waiting=np.repeat(waiting, count),
        is_left=np.repeat(left, count),
    )


def test_hazards_are_those_computed_by_hand() -> None:
    # Of 100, 40 leave in cell 5 with 100 exposed; 60 are answered in cell 10, and 20 of them leave in cell 20, in
    # which the other 40 end: 60 - 40 / 2 = 40 are exposed there.
    found = leaving_hazards(
        waits((40, 0, 5, 5, True, True), (20, 0, 10, 20, False, True), (40, 0, 10, 20, False, False))
    )
    half_left, sat_out = -np.log(0.6) / 2, -np.log(0.6)
    np.testing.assert_allclose(found[:40], half_left)
    np.testing.assert_allclose(found[40:], sat_out - np.log(0.5) / 2)


def test_answers_are_exposed_only_from_their_first_token_on() -> None:
    # The 1000 late answers begin in cell 30: they say nothing about cell 20, where 10 of 20 leave and none ends.
    early, late = (10, 0, 3, 20, False, True), (10, 0, 3, 25, False, False)
    alone = leaving_hazards(waits(early, late))
    crowded = leaving_hazards(waits(early, late, (1000, 0, 30, 40, False, False)))
    np.testing.assert_allclose(alone[10:], np.log(2.0))
    np.testing.assert_allclose(crowded[10:20], np.log(2.0))
    np.testing.assert_allclose(crowded[20:], 0.0)


def test_strata_have_hazards_of_their_own() -> None:
    left, stayed = (50, 0, 4, 4, True, True), (50, 0, 9, 9, True, False)
    other = (100, 1, 9, 9, True, False)
    found = leaving_hazards(waits(left, stayed, other))
    np.testing.assert_allclose(found[50:100], np.log(2.0))
    np.testing.assert_array_equal(found[100:], 0.0)


def test_a_few_waits_tell_nothing_and_all_that_leave_stay_finite() -> None:
    few = int(MIN_EXPOSED_COUNT) - 1
    np.testing.assert_array_equal(leaving_hazards(waits((few, 0, 4, 4, True, True))), 0.0)
    everybody = leaving_hazards(waits((500, 0, -1, -1, True, True)))
    np.testing.assert_allclose(everybody, -np.log(1.0 - MOST_LEFT_RATIO) / 2)
    assert leaving_hazards(waits((0, 0, 4, 4, True, True))).size == 0


@pytest.mark.parametrize("median_s", [4.0, 12.0])
def test_hazards_give_back_the_law_of_patience_whatever_the_service(median_s: float) -> None:
    rng = np.random.default_rng(2)
    patience, answer = median_s * rng.lognormal(0.0, 0.6, 40_000), rng.lognormal(2.0, 0.5, 40_000)
    end = np.minimum(patience, answer)
    cells = np.floor(32 * np.log2(np.maximum(end, 0.07) / 0.0625)).astype(np.int64)
    gone = patience < answer
    none = np.zeros(len(end), dtype=np.int64)
    found = leaving_hazards(Waits(stratum=none, wait_cell=cells, end_cell=cells, is_waiting=gone, is_left=gone))
    for wait_s in (3.0, 5.0, 8.0):
        near = np.abs(end - wait_s) < 0.05
        assert np.exp(-found[near]).mean() == pytest.approx((patience > wait_s).mean(), abs=0.015)
