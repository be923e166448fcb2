"""The servegen adapter: both forms of the client data, the calls drawn from them, and what is refused."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.ingest.trace_files import (
    SERVEGEN_DATASET,
    SERVEGEN_WINDOWS,
    counts_add_up,
    servegen_folder,
    servegen_tables,
)
from warehouse.contracts import ClientLengths, ClientWindows
from warehouse.ingest import Ingested, UnreadableTrace, detect_format, ingest


def frames(result: Ingested) -> tuple[pl.DataFrame, pl.DataFrame]:
    assert result.client_windows is not None
    assert result.client_lengths is not None
    return result.client_windows, result.client_lengths


def test_the_windows_come_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("servegen", servegen_folder(tmp_path))
    windows, _ = frames(result)
    assert counts_add_up(result)
    assert result.rows_kept == windows.height == 6
    facts = ["client_id", "window_start_s", "window_s", "rate_per_s", "gap_cv_ratio", "gap_law", "gap_shape_ratio"]
    assert windows.select(*facts, "gap_scale_s").rows() == [
        ("m-x/1", 0.0, 600.0, 0.1, 2.0, "gamma", 0.25, 40.0),
        ("m-x/1", 600.0, 600.0, 0.0, None, None, None, None),
        ("m-x/1", 1200.0, 600.0, 0.05, 1.0, "gamma", 1.0, 20.0),
        ("m-x/2", 0.0, 600.0, 0.02, 1.2, "weibull", 0.9, 47.0),
        ("m-x/2", 600.0, 600.0, 0.01, 1.0, "weibull", 1.0, 100.0),
        ("m-x/2", 1200.0, 600.0, 0.0, None, None, None, None),
    ]


def test_the_histograms_come_out_bin_by_bin(tmp_path: Path) -> None:
    _, lengths = frames(ingest("servegen", servegen_folder(tmp_path)))
    facts = ["client_id", "window_start_s", "field", "amount_count", "probability_ratio"]
    assert lengths.select(facts).rows() == [
        ("m-x/1", 0.0, "input_tokens", 100.0, 0.25),
        ("m-x/1", 0.0, "input_tokens", 300.0, 0.75),
        ("m-x/1", 0.0, "output_tokens", 7.0, 1.0),
    ]


def test_the_parquet_form_gives_the_windows_and_histograms_of_the_files(tmp_path: Path) -> None:
    folder = ingest("servegen", servegen_folder(tmp_path))
    table = ingest("servegen", servegen_tables(tmp_path))
    for contract, one, other in zip((ClientWindows, ClientLengths), frames(folder), frames(table), strict=True):
        contract.validate(one)
        assert one.drop("source_id").equals(other.drop("source_id"))


def test_each_window_gives_as_many_calls_as_it_counted(tmp_path: Path) -> None:
    calls = ingest("servegen", servegen_folder(tmp_path)).model_calls
    second = (pl.col("requested_at") - pl.col("requested_at").dt.truncate("1d")).dt.total_microseconds() / 1e6
    window = (second // 600 * 600).alias("window")
    counted = calls.group_by("client_id", window).len().sort("client_id", "window").rows()
    assert counted == [("m-x/1", 0.0, 60), ("m-x/1", 1200.0, 30), ("m-x/2", 0.0, 12), ("m-x/2", 600.0, 6)]


def test_calls_draw_lengths_of_their_client_and_the_client_without_lengths_borrows(tmp_path: Path) -> None:
    result = ingest("servegen", servegen_folder(tmp_path))
    assert set(result.model_calls["output_tokens"]) == {7}
    assert set(result.model_calls["input_tokens"]) == {100, 300}
    assert any("1 clients have no lengths; 18 of the drawn calls" in note for note in result.notes)


def test_the_same_content_draws_the_same_calls_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = servegen_folder(tmp_path / "a"), servegen_folder(tmp_path / "b")
    assert ingest("servegen", one).model_calls.equals(ingest("servegen", other).model_calls)


def test_gaps_spread_as_the_law_says(tmp_path: Path) -> None:
    lines = [f"{600 * at},5.0,3.0,Gamma,0.111111,1.8" for at in range(6)]
    folder = servegen_folder(tmp_path, {"1": lines})
    gaps = ingest("servegen", folder).model_calls.sort("requested_at")["requested_at"].diff().drop_nulls()
    seconds = gaps.dt.total_microseconds() / 1e6
    assert len(seconds) == 17_999
    spread = float(seconds.std() or 0) / float(seconds.mean() or 1)  # type: ignore[arg-type]
    assert spread == pytest.approx(3.0, rel=0.1)


def test_without_any_lengths_counts_are_unknown_and_said_to_be(tmp_path: Path) -> None:
    path = servegen_tables(tmp_path)
    path.with_name("servegen_lengths_m-x.parquet").unlink()
    result = ingest("servegen", path)
    assert result.model_calls["input_tokens"].null_count() == result.model_calls.height
    assert any("no token counts" in note for note in result.notes)


def test_one_model_is_chosen_by_its_name_behind_the_path(tmp_path: Path) -> None:
    path = servegen_tables(tmp_path)
    both = pl.concat([pl.read_parquet(path), pl.read_parquet(path).with_columns(model=pl.lit("m-y"))])
    both.write_parquet(path)
    chosen = Path(f"{path}#m-y")
    assert detect_format(chosen) == "servegen"
    assert set(ingest("servegen", chosen).model_calls["model"]) == {"m-y"}
    assert set(ingest("servegen", path).model_calls["model"]) == {"m-x", "m-y"}
    with pytest.raises(UnreadableTrace, match="holds no model 'm-z'; it holds: m-x, m-y"):
        ingest("servegen", Path(f"{path}#m-z"))


def test_a_long_busy_trace_is_cut_to_its_busiest_stretch(tmp_path: Path) -> None:
    quiet = [f"{600 * at},1.0,1.0,Gamma,1.0,1.0" for at in range(20)]
    quiet[7] = "4200,2000.0,1.0,Gamma,1.0,0.0005"
    result = ingest("servegen", servegen_folder(tmp_path, {"1": quiet}))
    assert result.model_calls.height == pytest.approx(500_000, rel=0.01)
    assert any("4,200 s to 4,450 s" in note for note in result.notes)


def test_images_of_a_call_are_added_up(tmp_path: Path) -> None:
    fields = {
        "text_tokens": "{10: 1.0}",
        "image_tokens": "{100: 1.0}",
        "image_count": "{3: 1.0}",
        "output_tokens": "{5: 1.0}",
    }
    folder = servegen_folder(tmp_path, {"1": SERVEGEN_WINDOWS["1"]}, {"1": {"0": fields}}, category="multimodal")
    result = ingest("servegen", folder)
    facts = result.model_calls.select("input_tokens", "image_tokens", "output_tokens", "surface").unique().rows()
    assert facts == [(310, 300, 5, "multimodal")]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("1800,0.1,2.0,Gam", "row_is_complete"),
        ("1800,0.1,2.0,Gamma,0.2,40,9", "row_is_complete"),
        ("soon,0.1,2.0,Gamma,0.2,40", "window_start_is_plausible"),
        ("-600,0.1,2.0,Gamma,0.2,40", "window_start_is_plausible"),
        ("1800,-1,2.0,Gamma,0.2,40", "rate_is_plausible"),
        ("1800,nan,2.0,Gamma,0.2,40", "rate_is_plausible"),
        ("1800,1e9,2.0,Gamma,0.2,40", "rate_is_plausible"),
        ("1800,0.1,2.0,Pareto,0.2,40", "arrival_law_is_known"),
        ("1800,0.1,2.0,,0,0", "arrival_law_is_known"),
        ("1800,0.1,2.0,Gamma,0,40", "arrival_law_has_parameters"),
        ("1800,0.1,2.0,Gamma,inf,40", "arrival_law_has_parameters"),
        ("1800,0.1,-2.0,Gamma,0.2,40", "gap_variation_is_plausible"),
        ("1200,0.1,2.0,Gamma,0.2,40", "window_is_unique"),
        ("\xff\xfe,0.1,2.0,Gamma,0.2,40", "window_start_is_plausible"),
        ("x" * 10_000_000, "row_is_complete"),
    ],
)
def test_a_bad_window_goes_to_quarantine_and_the_good_ones_stay(tmp_path: Path, line: str, rule: str) -> None:
    result = ingest("servegen", servegen_folder(tmp_path, {"1": [*SERVEGEN_WINDOWS["1"], line]}))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(4, rule)]
    assert result.rows_kept == 3


@pytest.mark.parametrize(
    ("dataset", "rule"),
    [
        ("{", "file_is_readable"),
        ("[" * 100_000, "file_is_readable"),
        ("[]", "file_is_readable"),
        (json.dumps({"0": {"input_tokens": "{1: 0.5}"}}), "probabilities_sum_to_one"),
        (json.dumps({"0": {"input_tokens": "{-1: 1.0}"}}), "lengths_are_plausible"),
        (json.dumps({"0": {"input_tokens": "{1: 1.0"}}), "lengths_are_histogram"),
        (json.dumps({"0": {"input_tokens": "__import__('os')"}}), "lengths_are_histogram"),
        (json.dumps({"soon": {"input_tokens": "{1: 1.0}"}}), "lengths_are_histogram"),
        (json.dumps({"0": {"input_tokens": [1, 2]}}), "lengths_are_histogram"),
    ],
)
def test_bad_lengths_are_refused_and_the_windows_stay(tmp_path: Path, dataset: str, rule: str) -> None:
    folder = servegen_folder(tmp_path)
    (folder / "chunk-1-dataset.json").write_text(dataset, encoding="utf-8")
    result = ingest("servegen", folder)
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(0, rule)]
    assert result.rows_kept == 6


def test_lengths_may_be_an_object_instead_of_its_text(tmp_path: Path) -> None:
    plain = {"0": {"input_tokens": {"100": 1.0}, "output_tokens": {}}}
    folder = servegen_folder(tmp_path, datasets={"1": plain})
    _, lengths = frames(ingest("servegen", folder))
    assert lengths.select("field", "amount_count").rows() == [("input_tokens", 100.0)]


def test_starts_in_milliseconds_are_refused_with_the_guess(tmp_path: Path) -> None:
    lines = [f"{600_000 * at},0.1,2.0,Gamma,0.25,40.0" for at in range(30)]
    with pytest.raises(UnreadableTrace, match="look like milliseconds"):
        ingest("servegen", servegen_folder(tmp_path, {"1": lines}))


def test_rates_that_do_not_go_with_their_gaps_are_refused(tmp_path: Path) -> None:
    lines = [f"{600 * at},60.0,2.0,Gamma,0.25,40.0" for at in range(30)]  # a minute instead of a second: 600 for 1
    with pytest.raises(UnreadableTrace, match="typically 600 where 1 is due"):
        ingest("servegen", servegen_folder(tmp_path, {"1": lines}))


def test_a_folder_without_chunks_and_a_silent_trace_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableTrace, match="no chunk-N-trace"):
        ingest("servegen", tmp_path / "empty")
    with pytest.raises(UnreadableTrace, match="silent"):
        ingest("servegen", servegen_folder(tmp_path, {"1": ["0,0,0,,0,0"]}))


def test_the_folder_one_chunk_and_the_table_are_recognised(tmp_path: Path) -> None:
    folder = servegen_folder(tmp_path)
    assert SERVEGEN_DATASET
    for path in (folder, folder / "chunk-1-trace.csv", servegen_tables(tmp_path)):
        assert detect_format(path) == "servegen"
