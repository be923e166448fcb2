"""Tokens per dollar and per joule against the speed that one user sees: a proposed chip drawn on top of real ones."""

import polars as pl

from pipelines.report.charts import interactivity_front
from pipelines.report.content import ReportContent
from pipelines.report.formats import count
from pipelines.report.sections.model import Block, Figure, FigureGrid, Section, empty


def interactivity(content: ReportContent) -> Section:
    """Two fronts for each LLM."""
    lead = (
        "Each line is a chip over all its layouts and batches, in closed form: faster for the user is to the right, "
        "more tokens for the same money or energy is up. Values weigh none of this."
    )
    known = content.interactivity.drop_nulls("tokens_per_j")
    blocks: tuple[Block, ...] = (empty("No front was drawn: no chip holds the LLMs of this demand."),)
    if not known.is_empty():
        llms = known["llm"].unique(maintain_order=True).to_list()
        blocks = tuple(_of(known.filter(pl.col("llm") == llm), at, content.run.baseline) for at, llm in enumerate(llms))
    return Section(key="interactivity", title="Throughput against interactivity", lead=lead, blocks=blocks)


def _of(frame: pl.DataFrame, at: int, baseline: str) -> FigureGrid:
    first = frame.row(0, named=True)
    figures = [
        Figure(key=f"joules-{at}", chart=interactivity_front(frame, "tokens_per_j", baseline), width="half", data=frame)
    ]
    priced = frame.drop_nulls("tokens_per_usd")
    if not priced.is_empty():
        figures.insert(
            0,
            Figure(
                key=f"dollars-{at}",
                chart=interactivity_front(priced, "tokens_per_usd", baseline),
                width="half",
                data=priced,
            ),
        )
    lengths = f"{count(first['input_tokens'])} prompt and {count(first['output_tokens'])} answer tokens"
    note = (
        f"The medians of the demand: {lengths}. All chips compute in {first['precision']} where they can. "
        "Bands: the range of the chip's cost."
    )
    return FigureGrid(caption=f"{first['llm']}", figures=tuple(figures), note=note)
