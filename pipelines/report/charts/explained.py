"""Charts of telemetry beside replay: typical times by surface, slow hours of the day."""

import math
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import axis_x, axis_y, colour, finish, inline, layer, names_axis
from pipelines.report.formats import seconds
from pipelines.report.palette import SURFACE_NAMES, named

SIDES: dict[str, str] = {"observed": "#8b929c", "replayed": "#d8553a"}
SIDE_NAMES: dict[str, str] = {"observed": "telemetry", "replayed": "replay"}
_SECONDS = "datum.value >= 1 ? format(datum.value, '~g') + ' s' : format(datum.value * 1000, '~g') + ' ms'"


def explained_by_surface(surfaces: pl.DataFrame, measure: str, *, title: str) -> alt.LayerChart:
    """Median of a time by surface, telemetry and replay joined by a line; a shift of all alike is not compared.

    Args:
        surfaces: As in `ExplainedView`.
        measure: `ttft_s` or `tpot_s`.
        title: The sentence above.
    """
    known = surfaces.drop_nulls([f"{side}_{measure}" for side in SIDES]).sort(f"observed_{measure}")
    names = [named(str(name), SURFACE_NAMES) for name in known["surface"]]
    rows: list[dict[str, Any]] = [
        {
            "surface": name,
            "side": SIDE_NAMES[side],
            "time_s": row[f"{side}_{measure}"],
            "label": seconds(row[f"{side}_{measure}"]),
        }
        for name, row in zip(names, known.iter_rows(named=True), strict=True)
        for side in SIDES
    ]
    low_s, high_s = min(row["time_s"] for row in rows), max(row["time_s"] for row in rows)
    what = "TTFT" if measure == "ttft_s" else "TPOT"
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("surface:N", sort=names, axis=names_axis()),
        x=alt.X(
            "time_s:Q",
            scale=alt.Scale(type="log", domain=[low_s / 1.3, high_s * 1.3], nice=False),
            axis=axis_x(f"median {what} (log scale)", label=_SECONDS, values=_round_times(low_s, high_s)),
        ),
    )
    lines = base.mark_line(color="#8b929c", opacity=0.5, strokeWidth=2).encode(detail="surface:N")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=colour("side", SIDES, SIDE_NAMES, set(SIDES)),
        tooltip=["surface:N", "side:N", alt.Tooltip("label:N", title=what)],
    )
    return finish(layer(lines, dots), title=title, height={"step": 30})


def _round_times(low_s: float, high_s: float) -> list[float]:
    """1, 2 and 5 of each decade within the times that are drawn."""
    decades = range(math.floor(math.log10(low_s)), math.ceil(math.log10(high_s)) + 1)
    times = (digit * 10.0**decade for decade in decades for digit in (1.0, 2.0, 5.0))
    return [round(time_s, 9) for time_s in times if low_s / 1.3 <= time_s <= high_s * 1.3]


def explained_by_hour(hours: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """How slow each hour is among like calls, telemetry and replay.

    Args:
        hours: As in `ExplainedView`.
        title: The sentence above.
    """
    rows = [
        {"hour": row["hour"], "side": SIDE_NAMES[side], "rank": row[f"{side}_rank_ratio"]}
        for side in SIDES
        for row in hours.drop_nulls(f"{side}_rank_ratio").iter_rows(named=True)
    ]
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("hour:Q", scale=alt.Scale(domain=[0, 23], nice=False), axis=axis_x("UTC hour of the request", ticks=8)),
        y=alt.Y(
            "rank:Q",
            scale=alt.Scale(zero=False),
            axis=axis_y("mean rank of the time to first token (0.5: as usual)"),
        ),
        color=colour("side", SIDES, SIDE_NAMES, set(SIDES), below_title=True),
        tooltip=["side:N", "hour:Q", alt.Tooltip("rank:Q", format=".3f")],
    )
    return finish(
        layer(base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=40, opacity=1)), title=title, height=220
    )
