"""What a frame must pass before it is written: its contract, its partition, the types of the stored table."""

from collections.abc import Mapping
from datetime import date

import dataframely as dy
import polars as pl
from dataframely.exc import SchemaError, ValidationError
from pyiceberg.table import Table

from warehouse.errors import ContractBroken, OutsidePartition, SchemaChanged
from warehouse.lake.layout import inside, stored_schema


def validated(table: str, frame: pl.DataFrame | pl.LazyFrame, schema: type[dy.Schema]) -> pl.DataFrame:
    """The frame in memory, in the contract's columns, order and dtypes.

    Raises:
        ContractBroken: if a column is missing, cannot be cast, or a row breaks a rule.
    """
    rows = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    try:
        return schema.validate(rows, cast=True)
    except (SchemaError, ValidationError, pl.exceptions.InvalidOperationError) as error:
        reasons = " ".join(str(error).split())
        raise ContractBroken(
            f"rows for {table} break the contract {schema.__name__}; quarantine them before writing: {reasons}"
        ) from error


def refuse_outside(table: str, rows: pl.DataFrame, partition: Mapping[str, date | str]) -> None:
    """Refuses rows that a later replace of this partition would not find again.

    Raises:
        OutsidePartition: with their number and the partitions that they belong to.
    """
    stray = rows.filter(inside(partition).fill_null(value=False).not_())
    if stray.is_empty():
        return
    homes = stray.select(partition.keys()).unique().sort(*partition).head(3).rows()
    raise OutsidePartition(
        f"{stray.height} of {rows.height} rows for {table} lie outside {dict(partition)}, for example in "
        f"{', '.join(str(home) for home in homes)}: filter them, or replace their partitions too"
    )


def refuse_changed_types(table: str, stored: Table, schema: type[dy.Schema]) -> None:
    """Refuses a contract that changed the type of a stored column (new columns are welcome).

    Raises:
        SchemaChanged: with the column and both types.
    """
    before = {field.name: field.field_type for field in stored.schema().fields}
    for field in stored_schema(schema).fields:
        if before.get(field.name, field.field_type) != field.field_type:
            raise SchemaChanged(
                f"{table}.{field.name} is stored as {before[field.name]} and its contract now says {field.field_type}: "
                "give the column a new name, or start an empty SCOVILLE_HOME"
            )
