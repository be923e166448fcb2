"""Telemetry beside the replay on the declared incumbent: what agrees in shape, and what stays unexplained."""

from pipelines.report.charts import explained_by_hour, explained_by_surface
from pipelines.report.content import ReportContent
from pipelines.report.explained import ExplainedView
from pipelines.report.formats import count, percent, ratio, seconds, significant
from pipelines.report.palette import SURFACE_NAMES, named
from pipelines.report.sections.model import Block, Cell, Column, Figure, FigureGrid, Note, Section, Table, empty

_BADGES = {"holds": "kept", "fails": "changed", "untold": ""}


def explained(content: ReportContent) -> Section:
    """The comparison by surface and by hour, its tests, and the absolute ratio that nothing explains."""
    view = content.explained
    lead = (
        f"The demand replayed on {view.chip}, declared to be the incumbent, beside what the telemetry saw. Only shapes "
        "are compared: order, lengths, hours. Replicas and one host overhead are fitted on the days before."
    )
    if view.reason:
        blocks: tuple[Block, ...] = (empty(f"No comparison: {view.reason}."),)
    else:
        blocks = (Note(sentences=_words(view)), _tests(view), _figures(view), _hours(view), _surfaces(view))
    return Section(key="explained", title="Does the incumbent explain the telemetry", lead=lead, blocks=blocks)


def _words(view: ExplainedView) -> tuple[str, ...]:
    match view.finding:
        case "holds":
            verdict = f"Within the tolerances, {view.chip} gives the telemetry of {view.last_day} its shape. Chips of "
            verdict += "like balance would as well: this is no proof that it was this one."
        case "fails":
            verdict = f"{view.chip}, as declared, does not give the telemetry of {view.last_day} its shape: see the "
            verdict += "rows that fail. The bill holds for this demand on this chip, not for the service observed."
        case _:
            verdict = f"The telemetry of {view.last_day} is too little or too even to tell whether it was {view.chip}."
    pools = "; ".join(
        f"{row['llm']} on {row['tp_count']} chips, {significant(row['replicas_ratio'], 2)} replicas"
        for row in view.pools.iter_rows(named=True)
    )
    fit_days = view.fit_days[0] if len(view.fit_days) == 1 else f"{view.fit_days[0]} to {view.fit_days[-1]}"
    unexplained = f"Unexplained: the replay's times are {ratio(view.unexplained_ratio)} the telemetry's. Network, "
    unexplained += "gateways, other software and another chip may all be in it; it is not fitted away."
    fitted = f"Fitted on {fit_days}: {pools} (per traffic of the telemetry; below 1 where it is a sample of what one "
    fitted += f"replica serves), host overhead {seconds(view.host_step_s)} per step. Calls left without a token by "
    fitted += f"the replay: {percent(view.unserved_ratio)}."
    return (verdict, unexplained, fitted)


def _tests(view: ExplainedView) -> Table:
    rows = tuple(
        (
            Cell(text=row["name"], explained=row["said"]),
            Cell(text=_number(row["value"])),
            Cell(text="" if row["low"] == row["high"] else f"{_number(row['low'])} to {_number(row['high'])}"),
            Cell(text=f"{'at least' if row['name'] == 'hours of the day' else 'at most'} {_number(row['limit'])}"),
            Cell(text=row["finding"], badge=_BADGES[row["finding"]]),
        )
        for row in view.tests.iter_rows(named=True)
    )
    heads = (
        Column(head="test", numeric=False),
        Column(head="value", explained="a factor, a chance or a rank correlation: hover over the test"),
        Column(head="90 % interval", explained="from leaving out sessions"),
        Column(head="limit"),
        Column(head="finding", numeric=False),
    )
    held = sum(row["finding"] == "holds" for row in view.tests.iter_rows(named=True))
    return Table(key="explained-tests", caption=f"{held} of {len(rows)} tests hold", columns=heads, rows=rows)


def _number(value: float | None) -> str:
    return "not told" if value is None else significant(value, 3)


def _figures(view: ExplainedView) -> Block:
    measures = {"ttft_s": "Time to first token", "tpot_s": "Time per output token"}
    figures = tuple(
        Figure(
            key=f"explained-{measure}", chart=explained_by_surface(view.surfaces, measure, title=title), width="half"
        )
        for measure, title in measures.items()
        if len(view.surfaces.drop_nulls([f"observed_{measure}", f"replayed_{measure}"]))
    )
    caption = "Lines of equal length and slant mean one common factor, which is not compared; unequal ones are"
    return FigureGrid(caption=caption, figures=figures)


def _hours(view: ExplainedView) -> Block:
    known = view.hours.drop_nulls()
    if known.is_empty():
        return empty("No hours: too few calls in every hour.")
    slowest = known.row(known["observed_rank_ratio"].arg_max() or 0, named=True)["hour"]
    replayed = known.row(known["replayed_rank_ratio"].arg_max() or 0, named=True)["hour"]
    title = f"The telemetry's slowest hour among like calls is {slowest}:00 UTC, the replay's {replayed}:00"
    return Figure(key="explained-hours", chart=explained_by_hour(view.hours, title=title))


def _surfaces(view: ExplainedView) -> Table:
    rows = tuple(
        (
            Cell(text=named(row["surface"], SURFACE_NAMES)),
            *(
                Cell(text=text)
                for measure in ("ttft_s", "tpot_s")
                for text in _beside(row[f"observed_{measure}"], row[f"replayed_{measure}"])
            ),
        )
        for row in view.surfaces.iter_rows(named=True)
    )
    heads = [Column(head="surface", numeric=False)]
    for measure, meaning in (("TTFT", "median time to first token"), ("TPOT", "median time per output token")):
        heads += [
            Column(head=f"{measure}, telemetry", explained=meaning),
            Column(head=f"{measure}, replay", explained=meaning),
            Column(head=f"{measure} ratio", explained="replay over telemetry: unexplained"),
        ]
    caption = f"Replay beside telemetry on {count(len(rows))} surfaces, in absolute terms: the ratios are unexplained"
    return Table(key="explained-surfaces", caption=caption, columns=tuple(heads), rows=rows)


def _beside(observed: float | None, replayed: float | None) -> tuple[str, str, str]:
    both = observed is not None and replayed is not None
    return seconds(observed), seconds(replayed), ratio(replayed / observed if both else None)  # type: ignore[operator]
