"""Predicted against measured kernel times of held-out shapes, a panel per chip."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import axis_x, axis_y, finish, inline, layer
from pipelines.report.palette import ACCENT, BASELINE_RULE

MOST_POINTS = 4000
"""Points drawn; more would hide each other."""
_MICRO = 1e6


def predicted_against_measured(scored: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Ratio of predicted to measured time over the measured one: exact lies on the line at 1.

    Args:
        scored: latency_s, predicted_s, bound_s of held-out rows.
        title: One sentence that says what to see.
    """
    drawn = scored.sample(min(len(scored), MOST_POINTS), seed=0)
    points = [
        {"measured": row["latency_s"] * _MICRO, "ratio": row[name] / row["latency_s"], "model": told}
        for name, told in (("bound_s", "roofline"), ("predicted_s", "predicted"))
        for row in drawn.iter_rows(named=True)
    ]
    x = alt.X("measured:Q", scale=alt.Scale(type="log", nice=False), axis=axis_x("measured, us (log scale)"))
    y = alt.Y(
        "ratio:Q",
        scale=alt.Scale(type="log", domain=[0.05, 5.0], clamp=True),
        axis=axis_y("model over measured (log scale)"),
    )
    colours = alt.Scale(domain=["predicted", "roofline"], range=[ACCENT, BASELINE_RULE])
    legend = alt.Legend(orient="bottom", direction="horizontal", title=None, symbolType="circle")
    marks = alt.Chart(inline(points)).mark_point(filled=True, size=8, opacity=0.5)
    marks = marks.encode(x=x, y=y, color=alt.Color("model:N", scale=colours, legend=legend))
    line = alt.Chart(inline([{"ratio": 1.0}])).mark_rule(strokeWidth=1).encode(y="ratio:Q")
    return finish(layer(marks, line), title=title, height=320)
