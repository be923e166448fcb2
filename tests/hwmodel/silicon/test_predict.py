"""Predictions: a number with its interval and what binds, or a reason; rows come back as they came."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import CatalogError, load_catalog
from hwmodel.silicon.calibrate import left_out_calibration
from hwmodel.silicon.calibration import Calibration
from hwmodel.silicon.errors import NoCalibration, UnreadableTable
from hwmodel.silicon.evidence import EVIDENCE
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.family import Family
from hwmodel.silicon.predict import ADDED, Request, family_of, predict
from tests.hwmodel.silicon.planted import CHIPS, SMALL, calibrated, make_fits_small, mean_error, products, timed, truth

KEYS = ["dtype", "m", "n", "k"]
ASKED = products(("h100-sxm",), 40, seed=9).select(KEYS)
NUMBERS = ["latency_s", "latency_lo_s", "latency_hi_s", "bound_s"]


def told(rows: pl.DataFrame, chip: str = "h100-sxm", *, allow_estimates: bool = False) -> pl.DataFrame:
    request = Request(chip=chip, rows=rows, allow_estimates=allow_estimates)
    return predict(request, load_catalog(), calibrated()[0])


@pytest.mark.parametrize("chip", [*CHIPS, "b300-sxm", "mi300x", "l4"])
def test_every_row_has_a_time_between_its_limits_and_not_under_its_bound(chip: str) -> None:
    found = told(ASKED, chip)
    assert found.columns == [*KEYS, *ADDED]
    assert found.select(KEYS).equals(ASKED)
    assert (found["latency_lo_s"] <= found["latency_s"]).all()
    assert (found["latency_s"] <= found["latency_hi_s"]).all()
    assert (found["bound_s"] <= found["latency_s"]).all()
    assert (found["bound_s"] <= found["latency_lo_s"]).all()
    assert found["evidence"].unique().to_list() == [EVIDENCE[chip in CHIPS]]


@pytest.mark.parametrize("chip", CHIPS)
def test_planted_times_of_products_that_were_not_fitted_are_found(chip: str) -> None:
    rows = timed(products((chip,), 40, seed=9))
    assert mean_error(told(rows.select(KEYS), chip)["latency_s"], rows["latency_s"]) < 0.01


def test_what_binds_is_memory_for_one_row_and_the_matrix_unit_for_many() -> None:
    rows = pl.DataFrame(
        {"dtype": ["bfloat16"] * 3, "m": [1, 16384, 1], "n": [16384, 16384, 64], "k": [16384, 16384, 64]}
    )
    assert told(rows)["binding_resource"].to_list() == ["hbm", "matrix", "latency"]


def test_rows_that_cannot_be_timed_have_a_reason_and_nulls_beside_good_rows_in_order() -> None:
    bad = pl.DataFrame(
        {"dtype": ["fp7", "nvfp4", "bfloat16", None], "m": [1, 1, 0, 1], "n": [256] * 4, "k": [256, 256, 256, 256]},
        schema=ASKED.schema,
    )
    mixed = pl.concat([ASKED.head(2), bad, ASKED.tail(2)]).with_columns(mine=pl.int_range(8).reverse())
    found = told(mixed)
    assert found.select(mixed.columns).equals(mixed)
    assert found["latency_s"].is_null().to_list() == [False] * 2 + [True] * 4 + [False] * 2
    reasons = found[2:6]
    for name in (*NUMBERS, "binding_resource"):
        assert reasons[name].is_null().all()
    for reason, says in zip(reasons["evidence"], ("fp7", "no matrix rate at fp4", "above 0", "null"), strict=True):
        assert says in reason
    alone = told(ASKED)
    assert found[:2].drop("mine").equals(alone.head(2))
    assert found[6:].drop("mine").equals(alone.tail(2))


def test_a_chip_with_numbers_that_are_not_public_has_a_reason_for_every_row_unless_estimates_may_stand_in() -> None:
    found = told(ASKED, "rubin-vr-nvl72")
    assert found.columns == [*KEYS, *ADDED]
    assert found.select(*NUMBERS, "binding_resource").null_count().row(0) == (len(ASKED),) * 5
    assert found["evidence"].str.contains("cannot be timed").all()
    assert found["evidence"].str.contains("not public").all()


@pytest.mark.parametrize("chip", ["h100-sxm", "rubin-vr-nvl72"])
def test_no_rows_have_no_times_and_the_same_columns(chip: str) -> None:
    found = told(ASKED.clear(), chip)
    assert found.columns == [*KEYS, *ADDED]
    assert found.is_empty()
    assert found.schema == told(ASKED, chip).schema


def test_columns_of_the_asker_are_kept_whatever_their_names_and_older_answers_are_replaced() -> None:
    names = {"chip": "mine", "bucket": "b", "reason": "why", "latency_s": -1.0, "evidence": "old"}
    found = told(ASKED.with_columns(**{name: pl.lit(value) for name, value in names.items()}))
    assert found.drop("chip", "bucket", "reason").equals(told(ASKED))
    assert found.select("chip", "bucket", "reason").unique().row(0) == ("mine", "b", "why")


def test_a_reason_of_the_asker_does_not_hide_why_a_row_is_refused() -> None:
    found = told(ASKED.head(1).with_columns(dtype=pl.lit("fp7"), reason=pl.lit(None, dtype=pl.String)))
    assert "fp7" in found["evidence"][0]


def test_columns_that_name_no_family_are_refused_with_what_each_family_needs() -> None:
    with pytest.raises(UnreadableTable, match="gemm: dtype, m, n, k"):
        told(ASKED.drop("k"))
    with pytest.raises(UnreadableTable, match="none name no family"):
        told(pl.DataFrame())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_keys_of_a_family_name_it_and_no_other(family: Family) -> None:
    assert family_of([*family.keys, "mine"]) is family


def test_sizes_that_are_words_are_refused_as_a_table() -> None:
    with pytest.raises(UnreadableTable, match="gemm"):
        told(ASKED.with_columns(m=pl.lit("many")))


def test_sizes_that_are_no_numbers_have_a_reason() -> None:
    sizes = pl.Series([1.0, np.nan, np.inf, -1.0, None])
    found = told(pl.DataFrame({"dtype": ["bfloat16"] * 5, "m": sizes, "n": [256] * 5, "k": [256] * 5}))
    assert found["latency_s"].is_null().to_list() == [False, True, True, True, True]
    assert found["evidence"][1:3].str.contains("finite").all()


def test_unknown_chips_and_families_without_calibration_are_refused() -> None:
    with pytest.raises(CatalogError, match="h100-sxn"):
        told(ASKED, "h100-sxn")
    fitted = Calibration(constants=calibrated()[0].constants, families={}, source="none")
    with pytest.raises(NoCalibration, match="gemm"):
        predict(Request(chip="h100-sxm", rows=ASKED), load_catalog(), fitted)


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_fits_small(monkeypatch)
        yield


@pytest.mark.usefixtures("small")
def test_a_chip_that_is_left_out_counts_as_one_that_nobody_measured_and_its_times_do_not_matter() -> None:
    rows = products(shapes=60)
    found = []
    for factor in (1.0, 10.0):
        measured = truth(timed(rows, {"b200-sxm": factor}))
        again = left_out_calibration(SMALL, measured, frozenset({"b200-sxm", "b300-sxm"}))
        fitted = Calibration(constants=again.seen.constants, families={"gemm": again}, source="planted")
        found.append(predict(Request(chip="b200-sxm", rows=ASKED), load_catalog(), fitted))
    assert found[0].equals(found[1])
    assert found[0]["evidence"].unique().to_list() == [EVIDENCE[False]]
    wide = (found[0]["latency_hi_s"] / found[0]["latency_s"]).to_numpy()
    assert np.ptp(wide) < 1e-9
    assert wide[0] > 1.0


@pytest.mark.usefixtures("small")
def test_where_one_chip_alone_is_left_nothing_tells_how_wide_the_interval_is() -> None:
    measured = truth(timed(products(shapes=110)))
    again = left_out_calibration(SMALL, measured, frozenset(CHIPS) - {"h100-sxm"})
    assert again.widths.unseen_factor == np.inf
