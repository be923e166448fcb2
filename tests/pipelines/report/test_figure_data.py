"""Data beside the report: safe names, safe cells, what the chart draws."""

import altair as alt
import polars as pl
import pytest

from pipelines.report import BadFigureKey
from pipelines.report.charts.frame import finish, inline, layer
from pipelines.report.figure_data import csv_text, drawn_rows, figure_csvs, file_name
from pipelines.report.picture import chart_spec
from pipelines.report.sections.model import Column, Figure, Section, Table
from tests.pipelines.report.sample_content import sample_content


def small(key: str) -> Figure:
    rows = [{"x_s": 1.0, "y_ratio": 0.5}, {"x_s": 2.0, "y_ratio": 0.7}]
    one = alt.Chart(inline(rows)).mark_point().encode(x="x_s:Q", y="y_ratio:Q")
    rule = alt.Chart(inline([{"y_ratio": 1.0}])).mark_rule().encode(y="y_ratio:Q")
    return Figure(key=key, chart=finish(layer(rule, one), title="A title", height=100))


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0"])
def test_no_text_of_the_telemetry_is_a_formula_in_a_spreadsheet(text: str) -> None:
    read = pl.read_csv(csv_text(pl.DataFrame({"surface": [text]})).encode(), infer_schema=False)
    assert read["surface"].to_list() == [f"'{text}"]


def test_numbers_and_plain_texts_go_through_unchanged() -> None:
    frame = pl.DataFrame({"label": ["a,b", 'c "d"'], "gain_ratio": [-0.25, 1e-9]})
    assert pl.read_csv(csv_text(frame).encode()).equals(frame)


@pytest.mark.parametrize("key", ["../x", "a b", "A", "x.y", "", "a/b", "-a"])
def test_a_key_that_is_no_file_name_is_refused(key: str) -> None:
    with pytest.raises(BadFigureKey, match="lower-case"):
        file_name(small(key))


def test_the_largest_data_set_of_a_chart_is_its_data() -> None:
    assert drawn_rows(chart_spec(small("a").chart)).to_dicts() == [
        {"x_s": 1.0, "y_ratio": 0.5},
        {"x_s": 2.0, "y_ratio": 0.7},
    ]


def test_a_table_gives_data_only_where_it_has_some_and_two_figures_of_a_key_are_refused() -> None:
    frame = sample_content().chip_errors
    table = Table(key="a", caption="", columns=(Column(head="x"),), rows=(), data=frame)
    section = Section(key="s", title="", lead="", blocks=(small("a"), table))
    specs = {"a": chart_spec(small("a").chart)}
    assert set(figure_csvs([section], specs)) == {"a.csv", "table-a.csv"}
    with pytest.raises(BadFigureKey, match="two figures"):
        figure_csvs([section, section], specs)
