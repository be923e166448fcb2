"""The front of throughput against interactivity, one line for each chip."""

import math
from typing import Any

import altair as alt
import polars as pl

from pipelines.report.charts.frame import K_LABEL, axis_x, axis_y, finish, inline, layer
from pipelines.report.formats import gain
from pipelines.report.palette import CHIP_COLOURS, DESIGN_COLOURS

_UNITS = {"tokens_per_usd": "output tokens per dollar", "tokens_per_j": "output tokens per joule"}
_RANGED = ("baseline", "recommended")
"""Whose range of cost is drawn; those of all chips would cover each other."""
_LABEL = f"datum.value < 1 ? format(datum.value, '~g') : {K_LABEL}"


def interactivity_front(front: pl.DataFrame, measure: str, baseline: str) -> alt.LayerChart:
    """Output tokens per dollar or joule against output tokens per second and user, of one LLM.

    Args:
        front: chip, kind, tokens_per_s_per_user and the measure; its range under `_low` and `_high` where told.
        measure: `tokens_per_usd` or `tokens_per_j`.
        baseline: The chip in service.
    """
    colours = _colours(front)
    has_range = f"{measure}_low" in front.columns
    rows = [
        {
            "chip": str(row["chip"]),
            "speed": row["tokens_per_s_per_user"],
            "tokens": row[measure],
            "low": row[f"{measure}_low"] if has_range and row["kind"] in _RANGED else None,
            "high": row[f"{measure}_high"] if has_range and row["kind"] in _RANGED else None,
            "layout": _layout(row),
        }
        for row in front.sort("chip", "tokens_per_s_per_user").iter_rows(named=True)
    ]
    speeds, tokens = ([row[name] for row in rows] for name in ("speed", "tokens"))
    tokens += [row[end] for row in rows for end in ("low", "high") if row[end] is not None]
    x = alt.X(
        "speed:Q",
        scale=alt.Scale(type="log", nice=False, domain=_padded(speeds)),
        axis=axis_x("output tokens per second and user (log scale)", label=_LABEL, values=_ticks(speeds)),
    )
    y = alt.Y(
        "tokens:Q",
        scale=alt.Scale(type="log", nice=False, domain=_padded(tokens)),
        axis=axis_y(f"{_UNITS[measure]} (log scale)", label=_LABEL, values=_ticks(tokens)),
    )
    tint = alt.Color(
        "chip:N",
        title=None,
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        legend=alt.Legend(
            orient="top", direction="horizontal", columns=2, symbolType="square", offset=30, labelLimit=300
        ),
    )
    base = alt.Chart(inline(rows)).encode(
        x=x,
        color=tint,
        tooltip=[
            alt.Tooltip("chip:N"),
            alt.Tooltip("layout:N"),
            alt.Tooltip("speed:Q", format=",.3s", title="tokens/s/user"),
            alt.Tooltip("tokens:Q", format=",.3s", title=_UNITS[measure]),
        ],
    )
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=26)).encode(y=y)
    layers = (
        [
            base.transform_filter("isValid(datum.low)")
            .mark_area(opacity=0.13, line=False)
            .encode(y=alt.Y("low:Q"), y2="high:Q")
        ]
        if has_range
        else []
    )
    return finish(layer(*layers, lines), title=_title(front, measure, baseline), height=280)


def _padded(values: list[float]) -> list[float]:
    return [min(values) / 1.15, max(values) * 1.15]


def _ticks(values: list[float]) -> list[float]:
    """The 1, 2 and 5 of each decade inside the range; the 1 alone over more than three decades."""
    low, high = _padded(values)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    leads = (1, 2, 5) if high / low < 1e3 else (1,)
    return [lead * 10.0**power for power in decades for lead in leads if low <= lead * 10.0**power <= high]


def _layout(row: dict[str, Any]) -> str:
    ranks = f"TP{row['tp_count']} EP{row['ep_count']} DP{row['attention_dp_count']}"
    return f"{ranks} {row['precision']}, batch {row['batch_count']}"


def _colours(front: pl.DataFrame) -> dict[str, str]:
    """Red for what is recommended, grey for the baseline, a colour of its own for each real chip."""
    kinds = dict(front.select(pl.col("chip").cast(pl.String), pl.col("kind").cast(pl.String)).iter_rows())
    free = iter(CHIP_COLOURS * (1 + len(kinds) // len(CHIP_COLOURS)))
    fixed = {"recommended", "baseline"}
    order = sorted(
        kinds, key=lambda chip: (("recommended", "baseline").index(kinds[chip]) if kinds[chip] in fixed else 2, chip)
    )
    return {chip: DESIGN_COLOURS[kinds[chip]] if kinds[chip] in fixed else next(free) for chip in order}


def _title(front: pl.DataFrame, measure: str, baseline: str) -> str:
    """The recommended design against the baseline where the baseline gives most; else the chip that gives most."""
    best = front.group_by(pl.col("chip").cast(pl.String), pl.col("kind").cast(pl.String)).agg(pl.col(measure).max())
    proposed = best.filter(pl.col("kind") == "recommended").sort(measure, descending=True)
    own = best.filter(pl.col("kind") == "baseline")
    if proposed.is_empty() or own.is_empty():
        most = best.sort(measure, "chip", descending=[True, False]).row(0, named=True)
        return f"{most['chip']} gives the most {_UNITS[measure]}"
    first = proposed.row(0, named=True)
    more = gain(first[measure] / own[measure][0] - 1.0)
    return f"At best {first['chip']} gives {more} {_UNITS[measure]} over {baseline}"
