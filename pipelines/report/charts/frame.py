"""The frame of every chart: inlined data, shared fonts and colours, axes that speak SI."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

from pipelines.report.palette import scale

INK = "currentColor"
"""Text and lines take the colour of the page, so that one chart fits light, dark and print."""
FONT = "Inter, system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
K_LABEL = "replace(replace(format(datum.value, '~s'), 'k', ' K'), /([MGTP])$/, ' $1')"
"""Vega expression of an axis label with SI prefixes, K for thousands."""
PERCENT_LABEL = "format(datum.value * 100, '~g') + ' %'"
GAIN_LABEL = (
    "(datum.value > 0 ? '+' : datum.value < 0 ? '\N{MINUS SIGN}' : '') + format(abs(datum.value) * 100, '~g') + ' %'"
)

ONLY_WIDE = "wide_"
"""Start of the name of a layer that a narrow page leaves out: text that needs the room of a wide bar."""

Row = Mapping[str, Any]


def layer(*charts: alt.Chart) -> alt.LayerChart:
    """Charts on top of each other, the first at the bottom."""
    return alt.LayerChart(layer=list(charts))


def inline(rows: Iterable[Row]) -> alt.InlineData:
    """Rows as data of a chart: numbers cut to five digits, non-finite numbers to null."""
    return alt.InlineData(values=[{key: _small(value) for key, value in row.items()} for row in rows])


def finish(chart: alt.Chart | alt.LayerChart, *, title: str, height: int | dict[str, int]) -> alt.LayerChart:
    """Width of the container, height, theme and the sentence that says what to see.

    Args:
        chart: A single view or a layer of views.
        title: One sentence; the page shows it as the caption, a picture prints it on top.
        height: In pixels, or a step per row of a categorical axis.
    """
    layered = chart if isinstance(chart, alt.LayerChart) else layer(chart)
    sized: alt.LayerChart = layered.properties(
        width="container",
        height=alt.Step(height["step"]) if isinstance(height, dict) else height,
        title=title,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    themed: alt.LayerChart = sized.configure(**_THEME)
    return themed


def colour(
    field: str,
    colours: dict[str, str],
    names: dict[str, str],
    present: set[str],
    *,
    columns: int = 3,
    below_title: bool = False,
    legend: bool = True,
) -> alt.Color:
    """Colour encoding with the fixed colour of each code, legend on top and only of what is present.

    Args:
        field: Column of plain words.
        colours: Colour by code.
        names: Plain word by code.
        present: Codes that occur.
        columns: Of the legend.
        below_title: Whether the title of a vertical axis stands under the legend and needs room.
        legend: False for no legend.
    """
    shown = alt.Legend(
        orient="top", direction="horizontal", columns=columns, symbolType="square", offset=30 if below_title else 12
    )
    domain, colour_range = scale(colours, names, present)
    return alt.Color(
        field=field,
        type="nominal",
        title=None,
        scale=alt.Scale(domain=domain, range=colour_range),
        legend=shown if legend else None,
    )


def axis_x(title: str, *, label: str | None = None, ticks: int = 6, **more: Any) -> alt.Axis:
    """Horizontal axis with its unit in the title and SI labels."""
    return _axis(title, label, ticks, **more)


def axis_y(title: str, *, label: str | None = None, ticks: int = 6, **more: Any) -> alt.Axis:
    """Vertical axis with its unit in a title that is read without turning the head."""
    return _axis(title, label, ticks, titleAngle=0, titleAlign="left", titleAnchor="end", titleY=-8, titleX=-34, **more)


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
        labelColor=INK,
        titleColor=INK,
        labelFontSize=11.5,
        titleFontSize=11.5,
        titleFontWeight="normal",
        labelLimit=200,
        symbolOpacity=1,
        columnPadding=16,
        rowPadding=3,
    ),
    "text": alt.MarkConfig(color=INK, fontSize=11.5, font=FONT),
    "rule": alt.MarkConfig(color=INK),
    "title": alt.TitleConfig(
        color=INK, fontSize=13, fontWeight="bold", anchor="start", font=FONT, offset=12, frame="group"
    ),
}
