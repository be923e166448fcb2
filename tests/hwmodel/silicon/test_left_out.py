"""Models that leave chips out have not seen a row of them, nor of their twins where strangers are judged."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.chip_accuracy import TWINS
from hwmodel.silicon.errors import TooFewRows
from hwmodel.silicon.left_out import STRANGER_TRUST, LeftOut, subsets
from hwmodel.timing import FIRST_CONSTANTS
from tests.hwmodel.silicon.planted import CHIPS, SMALL, make_fits_small, products, timed, truth

ROWS = products(shapes=110)
B200 = frozenset({"b200-sxm"})
H100 = frozenset({"h100-sxm"})
BOTH = frozenset({"h100-sxm", "h200-sxm"})


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_fits_small(monkeypatch)
        yield


def planted(factors: dict[str, float] | None = None) -> LeftOut:
    return LeftOut(SMALL, truth(timed(ROWS, factors)), FIRST_CONSTANTS)


@pytest.fixture(scope="module")
def plain() -> LeftOut:
    return planted()


@pytest.fixture(scope="module")
def slow_b200() -> LeftOut:
    """B200 is ten times slower than its sheet."""
    return planted({"b200-sxm": 10.0})


def predictions(left_out: LeftOut, out: frozenset[str]) -> list[float]:
    return [float(one) for one in left_out.model(out).estimate(ROWS, left_out.truth.chips).latency_s]


def test_what_a_chip_measured_moves_no_model_that_leaves_it_out(plain: LeftOut, slow_b200: LeftOut) -> None:
    assert predictions(slow_b200, B200) == predictions(plain, B200)
    assert slow_b200.model(B200).constants == plain.model(B200).constants
    assert slow_b200.trust(B200) == plain.trust(B200)
    assert slow_b200.radii(B200) == plain.radii(B200)


def test_the_same_chip_moves_every_model_that_has_seen_it(plain: LeftOut, slow_b200: LeftOut) -> None:
    assert predictions(slow_b200, H100) != predictions(plain, H100)
    assert max(slow_b200.radii(frozenset())) > np.log(5.0) > max(plain.radii(frozenset()))


def test_a_planted_chip_is_predicted_within_two_per_cent_by_a_model_that_has_not_seen_it(plain: LeftOut) -> None:
    rows = plain.truth.best.filter(pl.col("chip") == "b200-sxm")
    found = plain.model(B200).estimate(rows, plain.truth.chips).latency_s
    assert np.abs(found / rows["latency_s"].to_numpy() - 1.0).mean() < 0.02


def test_h100_and_h200_are_twins_by_their_die_and_in_the_list_of_pairs(plain: LeftOut) -> None:
    assert plain._twins("h100-sxm") == plain._twins("h200-sxm") == BOTH
    assert plain._twins("a100-sxm-80") == {"a100-sxm-80"}
    assert BOTH in TWINS


def test_widths_come_from_models_without_the_twin_either() -> None:
    """H200 alone is four times slower: H100 is judged by models without it, so only H200 itself is missed."""
    radii = dict(zip(CHIPS, planted({"h200-sxm": 4.0}).radii(frozenset()), strict=True))
    assert radii["h200-sxm"] > np.log(3.0)
    assert radii["h100-sxm"] < np.log(1.5)


def test_a_correction_is_trusted_fully_where_a_twin_was_measured(plain: LeftOut) -> None:
    assert plain.trust(H100) == 1.0


def test_a_correction_is_trusted_by_half_where_the_die_was_not_measured(plain: LeftOut) -> None:
    assert plain.trust(B200) == plain.trust(frozenset()) == STRANGER_TRUST


def test_formats_that_fewer_than_two_others_measured_teach_nothing() -> None:
    fp8 = products(("h100-sxm", "b200-sxm"), 20, dtype="fp8")
    left_out = LeftOut(SMALL, truth(timed(pl.concat([ROWS, fp8]))), FIRST_CONSTANTS)
    assert left_out.shared_dtypes(frozenset()) == ["bfloat16", "fp8"]
    assert left_out.shared_dtypes(B200) == ["bfloat16"]
    assert left_out.model(B200).residual.rows_count == 4 * len(ROWS) // 5


def test_models_are_fitted_once(plain: LeftOut) -> None:
    assert plain.model(B200).residual is plain.model(B200).residual


def test_chips_are_left_out_alone_and_twins_together() -> None:
    found = subsets(truth(timed(ROWS)), TWINS)
    assert found == [*(frozenset({name}) for name in sorted(CHIPS)), BOTH]
    without = subsets(truth(timed(ROWS.filter(pl.col("chip") != "h200-sxm"))), TWINS)
    assert BOTH not in without
    assert all(first != second for first, second in pairwise(without))


def test_one_chip_that_is_left_teaches_at_half_weight_and_none_is_refused_with_the_way_out(plain: LeftOut) -> None:
    assert plain.model(frozenset(CHIPS) - H100).trust == STRANGER_TRUST
    assert plain.radii(frozenset(CHIPS) - H100) == []
    with pytest.raises(TooFewRows, match="leave out fewer"):
        plain.model(frozenset(CHIPS))


def test_fits_made_ahead_are_the_ones_that_would_be_made_when_asked(plain: LeftOut) -> None:
    ahead = planted()
    ahead.prepare([B200])
    assert predictions(ahead, B200) == predictions(plain, B200)
