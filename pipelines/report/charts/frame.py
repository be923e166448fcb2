"""The frame of every chart: inlined data, shared fonts and colours, axes that speak SI."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.palette import scale

INK = "currentColor"
"""Text and lines take the colour of the page, so that one chart fits light, dark and print."""
FONT = "Inter, system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
K_LABEL = "replace(replace(format(datum.value, '~s'), 'k', ' K'), /([MGT])$/, ' $1')"
"""Vega expression of an axis label with SI prefixes, K for thousands."""
PERCENT_LABEL = "format(datum.value * 100, '~g') + ' %'"
GAIN_LABEL = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + format(abs(datum.value) * 100, '~g') + ' %'"
SECONDS_LABEL = (
    "datum.value >= 3600 ? format(datum.value / 3600, '~g') + ' h' : datum.value >= 60 ? "
    "format(datum.value / 60, '~g') + ' min' : datum.value >= 1 || datum.value == 0 ? "
    "format(datum.value, '~g') + ' s' : format(datum.value * 1000, '~g') + ' ms'"
)

Row = Mapping[str, Any]


def inline(rows: Iterable[Row]) -> alt.InlineData:
    """Rows as data of a chart: numbers cut to five digits, non-finite numbers to null."""
    return alt.InlineData(values=[{key: _small(value) for key, value in row.items()} for row in rows])


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A small frame as a list of dicts."""
    return frame.to_dicts()


def finish(chart: alt.Chart | alt.LayerChart, *, title: str, height: int | dict[str, int]) -> alt.LayerChart:
    """Width of the container, height, theme and the sentence that says what to see.

    Args:
        chart: A single view or a layer of views.
        title: One sentence; the page shows it as the caption, a picture prints it on top.
        height: In pixels, or a step per row of a categorical axis.
    """
    layered = chart if isinstance(chart, alt.LayerChart) else alt.layer(chart)
    sized = layered.properties(
        width="container",
        height=alt.Step(height["step"]) if isinstance(height, dict) else height,
        title=title,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    return sized.configure(**_THEME)


def colour(
    field: str,
    colours: dict[str, str],
    names: dict[str, str],
    present: set[str],
    *,
    title: str | None = None,
    legend: bool = True,
) -> alt.Color:
    """Colour encoding with the fixed colour of each code, legend on top and only of what is present."""
    domain, colour_range = scale(colours, names, present)
    return alt.Color(
        field=field,
        type="nominal",
        title=title,
        scale=alt.Scale(domain=domain, range=colour_range),
        legend=alt.Legend(orient="top", direction="horizontal", columns=4, symbolType="square") if legend else None,
    )


def axis_x(title: str, *, label: str | None = None, ticks: int = 6) -> alt.Axis:
    """Horizontal axis with its unit in the title and SI labels."""
    return _axis(title, label, ticks)


def axis_y(title: str, *, label: str | None = None, ticks: int = 6) -> alt.Axis:
    """Vertical axis with its unit in a title that is read without turning the head."""
    return _axis(title, label, ticks, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-8, titleX=-34)


def names_axis() -> alt.Axis:
    """Axis of names: no ticks, no line, room for a long kernel name."""
    return alt.Axis(title=None, ticks=False, domain=False, grid=False, labelLimit=190, labelPadding=6)


def _axis(title: str, label: str | None, ticks: int, **more: Any) -> alt.Axis:
    if label is not None:
        more["labelExpr"] = label
    return alt.Axis(title=title, tickCount=ticks, **more)


def _small(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return float(f"{value:.5g}") if math.isfinite(value) else None


_THEME: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "padding": 4,
    "view": alt.ViewConfig(stroke=None),
    "axis": alt.AxisConfig(
        labelColor=INK,
        titleColor=INK,
        labelOpacity=0.85,
        titleOpacity=0.85,
        labelFontSize=11.5,
        titleFontSize=11.5,
        titleFontWeight="normal",
        gridColor=INK,
        gridOpacity=0.1,
        domainColor=INK,
        domainOpacity=0.35,
        tickColor=INK,
        tickOpacity=0.35,
        labelOverlap="greedy",
    ),
    "legend": alt.LegendConfig(
        labelColor=INK, titleColor=INK, labelFontSize=11.5, titleFontSize=11.5, titleFontWeight="normal",
        labelLimit=200, symbolOpacity=1, offset=16, columnPadding=16, rowPadding=3
    ),
    "text": alt.MarkConfig(color=INK, fontSize=11.5, font=FONT),
    "rule": alt.MarkConfig(color=INK),
    "title": alt.TitleConfig(
        color=INK, fontSize=13, fontWeight="bold", anchor="start", font=FONT, offset=12, frame="group"
    ),
}
