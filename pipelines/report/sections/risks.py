"""What may go wrong with the first recommendation, and what each design is to those who build on it."""

from collections.abc import Callable

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.formats import count, gain, is_known, percent, ratio, seconds, significant, usd
from pipelines.report.palette import named
from pipelines.report.sections.model import Block, Cell, Column, Section, Table

DEPTHS = {"memory": "new stacks, same die", "die": "the die, same process", "process": "the die, another process"}
_TIMES = "x"


def risks(content: ReportContent) -> Section | None:
    """One sensitivity run per row with the point where the recommendation flips; nothing without a design."""
    if content.risks.is_empty():
        return None
    frame = content.risks
    flips = frame.filter(pl.col("flips_at").is_not_null())
    lead = (
        f"{frame.height} things that may go wrong, each varied alone over the range that is written beside it: at "
        f"{flips.height} of them the baseline wins somewhere in the range. Never means that the gain lasts to its end."
    )
    blocks: tuple[Block, ...] = (_stress(frame),)
    if not content.supply.is_empty():
        blocks += (_supply(content.supply),)
    if not content.projects.is_empty():
        blocks += (_projects(content),)
    return Section(key="risks", title="What may go wrong", lead=lead, blocks=blocks)


def developers(content: ReportContent) -> Section | None:
    """Tails, bursts, prices and pace by design."""
    if content.developers.is_empty():
        return None
    lead = (
        "Times of the full replay at the fleet that keeps the promises. The burst is planted: half as many sessions "
        "again on the same fleet."
    )
    return Section(key="developers", title="What developers see", lead=lead, blocks=(_developers(content.developers),))


def _stress(frame: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(text=row["risk"]),
            Cell(text=row["what"], explained=row["basis"]),
            Cell(text=f"{_value(row['low'], row['unit'])} to {_value(row['high'], row['unit'])}"),
            Cell(text=gain(row["gain_today_ratio"])),
            Cell(text=gain(row["gain_at_high_ratio"])),
            Cell(text=_value(row["flips_at"], row["unit"]) if is_known(row["flips_at"]) else "never"),
            Cell(text=row["basis"]),
        )
        for row in frame.iter_rows(named=True)
    )
    heads = (
        Column(head="risk", numeric=False),
        Column(head="what is varied", numeric=False),
        Column(head="range"),
        Column(head="gain today", explained="value per dollar over the baseline's"),
        Column(head="gain at the end"),
        Column(head="flips at", explained="where the baseline has as much value per dollar"),
        Column(head="how it was run", numeric=False),
    )
    return Table(key="stress", caption="How far each may go before the recommendation flips", columns=heads, rows=rows)


def _supply(frame: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(text=row["cap"]),
            Cell(text=percent(row["cap_ratio"])),
            Cell(text=row["mix"]),
            Cell(text=percent(row["served_ratio"])),
            Cell(text=usd(row["value_usd_per_h"], "/h")),
            Cell(text=_held(row["flips_below"], row["flips_above"])),
        )
        for row in frame.iter_rows(named=True)
    )
    heads = (
        Column(head="cap on", numeric=False),
        Column(head="at", explained="of what the recommended fleet takes to serve everything"),
        Column(head="best mix", numeric=False, explained="share of the demand that each chip serves"),
        Column(head="served"),
        Column(head="value"),
        Column(head="most of it", explained="caps between which the recommended chip is more than half of the mix"),
    )
    note = "Linear programme over the recommended design, the baseline and the real chips that serve every LLM."
    caption = "Supplier mix: what is bought when power or money is short"
    return Table(key="supply", caption=caption, columns=heads, rows=rows, note=note)


def _held(below: float | None, above: float | None) -> str:
    """The caps between which a chip is most of the mix."""
    low = f"from {percent(below)}" if is_known(below) else ""
    high = f"up to {percent(above)}" if is_known(above) else ""
    return " ".join(part for part in (low, high) if part) or "always"


def _projects(content: ReportContent) -> Table:
    growth = _growth(content.forecast)
    rows = tuple(
        (
            Cell(text=row["design"]),
            Cell(text=named(row["depth"], DEPTHS)),
            Cell(text=_range(row, "nre_usd", usd)),
            Cell(text=_range(row, "months", significant)),
            Cell(text=usd(row["saving_usd_per_chip_life"])),
            Cell(text=_range(row, "break_even", count)),
            Cell(text=count(row["fleet_chips_count"])),
            Cell(text=_value(row["months_of_market"], "months")),
            Cell(text=" / ".join(usd(row["value_usd_per_h"] * factor, "/h") for factor in growth)),
        )
        for row in content.projects.iter_rows(named=True)
    )
    heads = (
        Column(head="design", numeric=False),
        Column(head="drawn again", numeric=False),
        Column(head="engineering", explained="paid once; low, typical, high"),
        Column(head="months to silicon", explained="from decision to volume; low, typical, high"),
        Column(head="saved per chip", explained="over its life, against serving the same on the baseline"),
        Column(head="chips to break even", explained="low, typical, high"),
        Column(head="chips in the fleet", explained="for today's traffic"),
        Column(head="market catches up", explained="until the same money buys the same gain on the market"),
        Column(head="value when it ships", explained="served per hour at the forecast, p10, p50 and p90"),
    )
    note = (
        "Months and the market's pace are assumed; engineering follows a published model (docs/sources.md: actuary). "
        "The forecast ends long before a chip ships: its level is held from there on."
    )
    return Table(key="projects", caption="What it takes to get it made", columns=heads, rows=rows, note=note)


def _growth(forecast: pl.DataFrame) -> tuple[float, ...]:
    """Sessions at the end of the forecast over today's, mean over surfaces, at p10, p50, p90; 1 where none is made."""
    known = forecast.filter(pl.col("session_weight_ratio").is_not_null())
    if known.is_empty():
        return (1.0,)
    last = known.filter(pl.col("horizon_days") == pl.col("horizon_days").max())
    means = last.group_by("quantile").agg(pl.col("session_weight_ratio").mean())
    by_quantile = dict(means.with_columns(pl.col("quantile").cast(pl.String)).iter_rows())
    return tuple(float(by_quantile[q]) for q in ("p10", "p50", "p90") if q in by_quantile)


def _developers(frame: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(text=row["design"]),
            *(
                Cell(text=" / ".join(seconds(row[f"{name}_p{point}_s"]) for point in (50, 95, 99)))
                for name in ("ttft", "tpot")
            ),
            Cell(text=percent(row["met_ratio"])),
            Cell(text=percent(row["burst_met_ratio"])),
            Cell(text=usd(row["usd_per_mtoken"])),
            Cell(text=count(row["agent_steps_per_h"])),
        )
        for row in frame.iter_rows(named=True)
    )
    heads = (
        Column(head="design", numeric=False),
        Column(head="first token", explained="p50, p95 and p99"),
        Column(head="each further token", explained="p50, p95 and p99"),
        Column(head="in time", explained="share of calls inside both limits"),
        Column(head="in time in a burst", explained="half as many sessions again on the same fleet"),
        Column(head="cost per M tokens", explained="of the fleet, per million answer tokens"),
        Column(head="agent steps per hour", explained="an answer and the gap to the session's next call, on average"),
    )
    return Table(key="developers", caption="The service that each design gives", columns=heads, rows=rows)


def _range(row: dict[str, float], name: str, shown: Callable[[float], str]) -> str:
    return " / ".join(shown(row[f"{name}_{end}"]) for end in ("low", "typical", "high"))


def _value(value: float | None, unit: str) -> str:
    if value is None or not is_known(value):
        return "never"
    return ratio(value) if unit == _TIMES else f"{significant(value)}\N{NO-BREAK SPACE}{unit}"
