"""Pictures of tables for Dagster's metadata: the report's charts as small PNGs inside markdown."""

import base64
from collections.abc import Callable, Mapping

import dagster as dg
import polars as pl


def picture_of(table: str, rows: pl.DataFrame | pl.LazyFrame) -> dict[str, dg.MarkdownMetadataValue]:
    """The table's picture as metadata; nothing for a table that has none, or no rows."""
    draw = _PICTURES.get(table)
    if draw is None or rows.lazy().head(1).collect().is_empty():
        return {}
    from pipelines.report.errors import PictureTooLarge  # noqa: PLC0415 - with the charts

    try:
        encoded = base64.b64encode(draw(rows.lazy())).decode()
    except PictureTooLarge as error:
        return {"picture": dg.MetadataValue.md(str(error))}
    return {"picture": dg.MetadataValue.md(f"![{table}](data:image/png;base64,{encoded})")}


def _calls_by_hour(calls: pl.LazyFrame) -> bytes:
    from pipelines.report.charts import load_by_hour  # noqa: PLC0415 - half a second that few need
    from pipelines.report.picture import chart_png  # noqa: PLC0415

    load = calls.group_by("surface", hour=pl.col("requested_at").dt.truncate("1h")).agg(call_count=pl.len())
    return chart_png(load_by_hour(load.collect(engine="streaming")))


def _waits(profile: pl.LazyFrame) -> bytes:
    from pipelines.report.charts import waits_by_surface  # noqa: PLC0415
    from pipelines.report.picture import chart_png  # noqa: PLC0415

    return chart_png(waits_by_surface(profile.collect()))


_PICTURES: Mapping[str, Callable[[pl.LazyFrame], bytes]] = {"model_calls": _calls_by_hour, "wait_profile": _waits}
