"""How a contract looks in the lake: exact column types, partition columns, and the casts there and back."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import reduce

import dataframely as dy
import polars as pl
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema as StoredSchema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from warehouse.errors import UnknownPartition, UnstorableColumn

FIRST_PARTITION_FIELD_ID = 1000
"""Where the Iceberg specification starts to number partition fields."""

UTC_DATETIME = pl.Datetime("us", "UTC")


def stored_type(column: str, dtype: pl.DataType) -> IcebergType:
    """The Iceberg type that holds a column without loss.

    Raises:
        UnstorableColumn: if there is none; widen the column in its contract.
    """
    if isinstance(dtype, pl.Enum | pl.String):
        return StringType()
    exact: dict[pl.DataType, IcebergType] = {
        pl.Int64(): LongType(),
        pl.Float64(): DoubleType(),
        pl.Boolean(): BooleanType(),
        pl.Date(): DateType(),
        UTC_DATETIME: TimestamptzType(),
    }
    if dtype not in exact:
        allowed = ", ".join(str(known) for known in exact)
        raise UnstorableColumn(f"column {column!r} is {dtype}; the lake keeps String, Enum, {allowed}")
    return exact[dtype]


def partition_columns(schema: type[dy.Schema]) -> tuple[str, ...]:
    """Columns whose values name a partition: `day` and `surface`, else `source_id`, where the contract has them."""
    names = schema.column_names()
    return tuple(name for name in ("day", "surface") if name in names) or tuple(
        name for name in ("source_id",) if name in names
    )


def stored_schema(schema: type[dy.Schema]) -> StoredSchema:
    """The Iceberg schema of a contract; nullability and bounds stay with the contract."""
    dtypes = schema.create_empty().schema
    return StoredSchema(
        *(
            NestedField(number, name, stored_type(name, dtype), required=False)
            for number, (name, dtype) in enumerate(dtypes.items(), start=1)
        )
    )


def stored_partitioning(schema: type[dy.Schema], columns: StoredSchema) -> PartitionSpec:
    """Identity partitions on the partition columns of a contract."""
    return PartitionSpec(
        *(
            PartitionField(
                columns.find_field(name).field_id, FIRST_PARTITION_FIELD_ID + rank, IdentityTransform(), name
            )
            for rank, name in enumerate(partition_columns(schema))
        )
    )


def to_stored(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as the lake keeps it: words as strings."""
    return frame.with_columns(
        pl.col(name).cast(pl.String) for name, t in frame.schema.items() if isinstance(t, pl.Enum)
    )


def from_stored(frame: pl.LazyFrame, schema: type[dy.Schema]) -> pl.LazyFrame:
    """Stored rows in the contract's columns, order and dtypes; a column that an old snapshot lacks is null."""
    there = frame.collect_schema().names()
    return frame.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.create_empty().schema.items()
    )


def inside(partition: Mapping[str, date | str]) -> pl.Expr:
    """True for rows of the partition."""
    tests = [pl.col(name) == pl.lit(value) for name, value in partition.items()]
    return reduce(lambda left, right: left & right, tests)


def check_partition(partition: Mapping[str, date | str], allowed: Sequence[str], table: str) -> None:
    """Refuses a partition that names no column, a column that the table is not cut by, or a value of the wrong type.

    Raises:
        UnknownPartition: with the keys that can be used.
    """
    for name, value in partition.items():
        wanted = date if name == "day" else str
        if name not in allowed or not isinstance(value, wanted) or isinstance(value, datetime):
            raise UnknownPartition(
                f"{table} cannot be cut by {name} = {value!r}: partition columns are {', '.join(allowed) or 'none'} "
                "(day takes a date, the others text); pass None to replace the whole table"
            )
    if not partition:
        raise UnknownPartition(f"an empty partition of {table} is ambiguous: pass None to replace the whole table")
