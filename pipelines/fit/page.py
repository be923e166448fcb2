"""The fidelity report as one HTML file: the table of measures, then the plots."""

from pipelines.fit.charts import dispersion_curve, prefix_curves, quantile_overlay, share_curve
from pipelines.fit.run import FitOutcome
from pipelines.fit.table import COLUMNS, cells_of, verdict
from pipelines.report.html import render_page
from pipelines.report.sections.model import Block, Cell, Column, Figure, FigureGrid, Note, Section, Table
from telemetry_sim.fidelity import TITLES, Fidelity

DISTANCES = (
    "Distances: the trace is cut in two by session family, the surface is fitted on one half and compared with the "
    "other; the noise floor is the distance between the halves. Medians of five cuts."
)


def render_fidelity(outcome: FitOutcome, parameter_bytes: int) -> str:
    """The whole page; it loads nothing from anywhere."""
    leads = (
        f"Fitted to {outcome.source}; parameter file of {parameter_bytes:,} bytes.",
        DISTANCES,
    )
    parts = tuple(part for part in (_measures(outcome), _samples(outcome.fidelity), _streams(outcome.fidelity)) if part)
    return render_page(
        "fidelity.html.j2", parts, title=outcome.name, headline=verdict(outcome.fidelity.measures), leads=leads
    ).html


def _measures(outcome: FitOutcome) -> Section:
    rows = tuple(
        tuple(
            Cell(text=text, explained=TITLES.get(measure.metric, "") if at == 0 else "")
            for at, text in enumerate(cells_of(measure))
        )
        for measure in outcome.fidelity.measures
    )
    heads = tuple(Column(head=head, numeric=at > 0, explained=told) for at, (head, told) in enumerate(COLUMNS))
    table = Table(key="measures", caption="Every measure, with its noise floor and its bar", columns=heads, rows=rows)
    notes: tuple[Block, ...] = (Note(sentences=outcome.notes),) if outcome.notes else ()
    lead = "What the synthetic trace shares with the real one, and what it does not."
    return Section(key="fidelity", title="Fidelity", lead=lead, blocks=(table, *notes))


def _samples(fidelity: Fidelity) -> Section | None:
    if not fidelity.overlays:
        return None
    figures = tuple(
        Figure(key=f"overlay-{at}", chart=quantile_overlay(overlay), width="small")
        for at, overlay in enumerate(fidelity.overlays)
    )
    grid = FigureGrid(caption="Distribution functions, 1st to 99th percentile", figures=figures)
    lead = "One fresh split: the half that was compared with, the half that was fitted on, and the synthetic trace."
    return Section(key="samples", title="Lengths and gaps", lead=lead, blocks=(grid,))


def _streams(fidelity: Fidelity) -> Section | None:
    blocks: list[Block] = []
    if fidelity.dispersion:
        blocks.append(Figure(key="dispersion", chart=dispersion_curve(fidelity.dispersion)))
    if fidelity.prefix_real and fidelity.prefix_synthetic:
        blocks.append(Figure(key="prefix", chart=prefix_curves(fidelity.prefix_real, fidelity.prefix_synthetic)))
    if fidelity.rank_shares:
        blocks.append(Figure(key="clients", chart=share_curve(fidelity.rank_shares)))
    lead = "Bursts, reuse and clients of the whole trace beside the median of the synthetic draws."
    return Section(key="stream", title="The stream as a whole", lead=lead, blocks=tuple(blocks)) if blocks else None
