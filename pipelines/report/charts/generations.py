"""Chart of a chain of generations: what the chip in service makes of a dollar, a joule, a rack and a second."""

import altair as alt
import polars as pl

from pipelines.report.charts.frame import axis_x, axis_y, finish, inline, layer
from pipelines.report.formats import ratio

CURVES = {
    "value_per_usd_ratio": "per dollar",
    "value_usd_per_j": "per joule",
    "value_usd_per_rack_h": "per rack hour",
    "value_usd_per_latency_s": "per second waited",
}
COLOURS = ("#2f6fb0", "#c8642b", "#3d8f5f", "#8a5aa8")


def value_by_generation(chips: pl.DataFrame) -> alt.LayerChart:
    """The four value curves of the chips in service, over those of the first generation.

    Args:
        chips: One row per generation; see `ReportContent.generations`.
    """
    first, last = chips.row(0, named=True), chips.row(-1, named=True)
    rows = [
        {"generation": str(row["generation"]), "curve": words, "over": row[name] / first[name], "chip": row["chip"]}
        for row in chips.iter_rows(named=True)
        for name, words in CURVES.items()
        if first[name]
    ]
    name = next(iter(CURVES))
    title = f"Value served {CURVES[name]}: {ratio(last[name] / first[name])} of the first generation's"
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("generation:O", axis=axis_x("generation", labelAngle=0)),
        y=alt.Y("over:Q", axis=axis_y("over generation 1"), scale=alt.Scale(zero=False)),
        color=alt.Color(
            "curve:N",
            title=None,
            scale=alt.Scale(domain=list(CURVES.values()), range=list(COLOURS)),
            legend=alt.Legend(orient="top", direction="horizontal", columns=2, symbolType="square", offset=30),
        ),
        tooltip=["generation:O", "chip:N", "curve:N", alt.Tooltip("over:Q", format=".3f")],
    )
    return finish(layer(base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=60)), title=title, height=220)
