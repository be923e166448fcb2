"""Where the numbers come from: evidence, doubts and provenance."""

import polars as pl

from pipelines.report.content import ReportContent
from pipelines.report.definitions import glossary
from pipelines.report.formats import MISSING, count, quantity
from pipelines.report.sections.model import Block, Cell, Column, Note, Section, Table, empty


def evidence(content: ReportContent) -> Section:
    """The kind of each number that the result rests on."""
    lead = "Measured on hardware, published by a vendor, calibrated to measurements, or assumed with a range."
    if content.evidence.is_empty():
        block: Block = empty("No list of evidence came with this run.")
    else:
        order = ("measured", "published", "calibrated", "extrapolated", "assumed")
        tally = [f"{n} {kind}" for kind in order if (n := (content.evidence["kind"].cast(pl.String) == kind).sum())]
        rows = tuple(
            (
                Cell(text=str(row["quantity"])),
                Cell(text=_written(row["value"], str(row["unit"] or ""))),
                Cell(text=str(row["kind"]), badge=str(row["kind"]) if str(row["kind"]) in order else ""),
                Cell(text=str(row["source"])),
            )
            for row in content.evidence.iter_rows(named=True)
        )
        heads = (
            Column(head="quantity", numeric=False),
            Column(head="value"),
            Column(head="kind", numeric=False),
            Column(head="source", numeric=False),
        )
        block = Table(
            key="evidence", caption=f"The result rests on {', '.join(tally)} numbers", columns=heads, rows=rows
        )
    return Section(key="evidence", title="Evidence", lead=lead, blocks=(block,))


def doubts(content: ReportContent) -> Section:
    """What is not modelled or not known."""
    lead = "What would change our mind, and what the model does not know."
    block: Block = Note(sentences=content.doubts) if content.doubts else empty("No doubts were recorded with this run.")
    return Section(key="doubts", title="Doubts", lead=lead, blocks=(block,))


def provenance(content: ReportContent) -> Section:
    """Run, data and code that the report came from."""
    run = content.run
    facts = (
        ("run", run.run_id),
        ("dataset", run.dataset),
        ("source", run.source),
        ("calls", count(run.call_count)),
        ("days", ", ".join(str(day) for day in sorted(run.days)) or MISSING),
        ("baseline chip", run.baseline),
        ("LLMs served", ", ".join(run.llms)),
        ("code", run.code_version),
        *((f"snapshot of {table}", str(snapshot)) for table, snapshot in sorted(run.snapshots.items())),
        ("made at", run.made_at),
    )
    rows = tuple((Cell(text=name), Cell(text=value)) for name, value in facts)
    heads = (Column(head="fact", numeric=False), Column(head="value", numeric=False))
    table = Table(key="provenance", caption="The same run and snapshots give the same page", columns=heads, rows=rows)
    lead = "Everything needed to make this page again."
    return Section(key="provenance", title="Provenance", lead=lead, blocks=(table,))


def words(_: ReportContent) -> Section:
    """The words that the page explains where they stand, together for print."""
    rows = tuple((Cell(text=word), Cell(text=meaning)) for word, meaning in sorted(glossary().items(), key=_alphabetic))
    heads = (Column(head="word", numeric=False), Column(head="meaning", numeric=False))
    table = Table(key="words", caption="What the dotted words mean", columns=heads, rows=rows)
    lead = "The same texts that show when a dotted word is pointed at, tabbed to or tapped."
    return Section(key="words", title="Words", lead=lead, blocks=(table,))


def _alphabetic(entry: tuple[str, str]) -> str:
    return entry[0].lower()


def _written(value: float | str | None, unit: str) -> str:
    """A number in its unit; a value that is a text (a list of chips, a range) as it is."""
    return f"{value} {unit}".strip() if isinstance(value, str) else quantity(value, unit)
