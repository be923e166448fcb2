"""How predictions turned out, run after run."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import PERCENT_LABEL, axis_x, axis_y, finish, inline, layer
from pipelines.report.palette import BASELINE_RULE

PROMISED_RATIO = 0.9


def prediction_history(runs: pl.DataFrame, *, title: str) -> alt.LayerChart:
    """Share of predictions inside their interval and mean error, by run.

    Args:
        runs: run_id, started_at, checked_count, inside_ratio, mean_error_ratio; the earliest first.
        title: The sentence above.
    """
    order = runs["run_id"].to_list()
    words = (("inside_ratio", "inside their interval"), ("mean_error_ratio", "mean error"))
    rows = [
        {"run": row["run_id"], "what": word, "share": row[name], "checked": row["checked_count"]}
        for row in runs.iter_rows(named=True)
        for name, word in words
    ]
    x = alt.X("run:N", sort=order, axis=axis_x("run", labelAngle=-30, labelLimit=150, grid=False))
    y = alt.Y(
        "share:Q", scale=alt.Scale(domainMin=0), axis=axis_y("share of predictions, or error", label=PERCENT_LABEL)
    )
    base = alt.Chart(inline(rows)).encode(
        x=x,
        tooltip=["run:N", "what:N", alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("checked:Q", format=",d")],
        color=alt.Color(
            "what:N",
            title=None,
            scale=alt.Scale(domain=[word for _, word in words], range=["#4c7fd0", "#d8733a"]),
            legend=alt.Legend(orient="top", direction="horizontal", columns=2, symbolType="square", offset=30),
        ),
    )
    promised = (
        alt.Chart(inline([{"share": PROMISED_RATIO}])).mark_rule(color=BASELINE_RULE, strokeDash=[4, 3]).encode(y=y)
    )
    return finish(layer(promised, base.mark_line(strokeWidth=2, point=True).encode(y=y)), title=title, height=240)
