"""The lake itself: replace a partition of a table, read it back, now or as of a snapshot."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import dataframely as dy
import polars as pl
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.table import StaticTable, Table
from pyiceberg.table.refs import MAIN_BRANCH

from warehouse.errors import ConcurrentWrite, UnknownPartition, UnknownSnapshot
from warehouse.lake.admission import refuse_changed_types, refuse_outside, validated
from warehouse.lake.home import checked_dataset, default_catalog_url, open_catalog, settle
from warehouse.lake.layout import (
    check_partition,
    from_stored,
    inside,
    partition_columns,
    stored_partitioning,
    stored_schema,
    to_stored,
)
from warehouse.lake.stream import streamed

DEFAULT_DATASET = "synthetic"

TABLE_PROPERTIES = {
    "commit.retry.num-retries": "10",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Other partitions' writers are waited for; old metadata files do not pile up (snapshots are not touched)."""


FIRST_WRITE_WARNING = "Delete operation did not match any records"
"""What pyiceberg says of every first write of a partition; for us that is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReceipt:
    """What a replace did: rows written, the snapshot that holds them, and where the table lies."""

    table: str
    row_count: int
    snapshot_id: int
    partition: Mapping[str, date | str] | None
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """The tables of one dataset (synthetic telemetry, or one ingested trace); datasets never mix."""

    home: Path
    dataset: str
    catalog: SqlCatalog

    @classmethod
    def open(cls, home: Path, *, dataset: str = DEFAULT_DATASET, catalog_url: str | None = None) -> "Lake":
        """Opens the lake under a home, making it on first use.

        Args:
            home: Folder of all state; it must stay where it was created.
            dataset: Name of the data source, 1 to 64 characters of a-z, 0-9 and _.
            catalog_url: SQLAlchemy URL of the Iceberg catalogue; a SQLite file in the home by default.

        Raises:
            BadDatasetName: for another kind of name.
            MovedHome: if the home was moved since it was created.
            UnusableHome: if the home cannot be made or written.
            UnreachableDatabase: if the catalogue cannot be opened.
        """
        checked_dataset(dataset)
        here = settle(home)
        catalog = open_catalog(here, catalog_url or default_catalog_url(here), dataset)
        return cls(home=here, dataset=dataset, catalog=catalog)

    def replace(
        self,
        table: str,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        schema: type[dy.Schema],
        partition: Mapping[str, date | str] | None,
    ) -> WriteReceipt:
        """Makes these rows the whole content of a partition, in one atomic commit; the same call twice changes nothing.

        The frame is held in memory once and validated against the contract; columns that the contract lacks are left
        out. The table is created on first use, and columns that the contract has gained are added.

        Args:
            table: Table name, which is also the contract's and the asset's.
            frame: The rows.
            schema: The contract.
            partition: Values of `day` and/or `surface` (or of `source_id`); None replaces the whole table.

        Raises:
            ContractBroken: if a column is missing or a row breaks a rule.
            OutsidePartition: if a row lies outside the partition.
            UnknownPartition: if the table is not cut by these columns.
            SchemaChanged: if a column of the contract changed its type.
            ConcurrentWrite: if another writer changed the same partition meanwhile.
        """
        if partition is not None:
            check_partition(partition, partition_columns(schema), table)
        rows = validated(table, frame, schema)
        if partition is not None:
            refuse_outside(table, rows, partition)
        stored = self._create_if_absent(table, schema)
        snapshot_id = self._commit(stored, to_stored(rows).lazy(), rows.columns, partition)
        return WriteReceipt(
            table=table,
            row_count=rows.height,
            snapshot_id=snapshot_id,
            partition=partition,
            path=stored.location(),
        )

    def replace_stream(
        self,
        table: str,
        parts: Iterable[pl.DataFrame],
        *,
        schema: type[dy.Schema],
        partition: Mapping[str, date | str],
    ) -> WriteReceipt:
        """As `replace`, with rows that come in parts and are never in memory together; still one atomic commit.

        Each part is validated by itself while the one before it is written: that a key is unique is known inside each
        part only, so whoever makes the parts must keep keys apart between them.

        Args:
            table: Table name.
            parts: The rows, in frames of about 100,000; made in a thread of their own, once.
            schema: The contract.
            partition: Values of `day` and/or `surface` (or of `source_id`).

        Raises:
            ContractBroken, OutsidePartition, UnknownPartition, SchemaChanged, ConcurrentWrite: as `replace`; nothing
                is written then.
        """
        check_partition(partition, partition_columns(schema), table)
        stored = self._create_if_absent(table, schema)

        def checked() -> Iterator[pl.DataFrame]:
            for part in parts:
                rows = validated(table, part, schema)
                refuse_outside(table, rows, partition)
                yield to_stored(rows)

        shape = to_stored(pl.DataFrame(schema.create_empty()))
        with streamed(checked(), shape.schema) as stream:
            snapshot_id = self._commit(stored, stream.rows, shape.columns, partition)
        return WriteReceipt(
            table=table,
            row_count=stream.row_count,
            snapshot_id=snapshot_id,
            partition=partition,
            path=stored.location(),
        )

    def scan(
        self,
        table: str,
        *,
        schema: type[dy.Schema],
        snapshot_id: int | None = None,
        days: Sequence[date] | None = None,
    ) -> pl.LazyFrame:
        """Rows of a table in the contract's dtypes; sort them where order matters.

        Args:
            table: Table name; a table that was never written is an empty frame.
            schema: The contract.
            snapshot_id: Read the table as it was at this snapshot.
            days: Read these days' partitions only.

        Raises:
            UnknownSnapshot: if the table has no such snapshot.
            UnknownPartition: if days are asked of a table without days.
        """
        stored = self.stored(table)
        if days is not None and "day" not in schema.column_names():
            raise UnknownPartition(f"{table} has no column day: read it without days")
        if snapshot_id is not None and (stored is None or stored.snapshot_by_id(snapshot_id) is None):
            raise UnknownSnapshot(
                f"{self.dataset}.{table} has no snapshot {snapshot_id}: it was never written or has expired; "
                "read the current one, or run the days again"
            )
        if stored is None:
            return schema.create_empty(lazy=True)
        rows = pl.scan_iceberg(stored, snapshot_id=snapshot_id)
        if days is not None:
            rows = rows.filter(pl.col("day").is_in(list(days)))
        return from_stored(rows, schema)

    def snapshot_id(self, table: str) -> int | None:
        """Id of the current snapshot; None if the table was never written."""
        stored = self.stored(table)
        snapshot = None if stored is None else stored.current_snapshot()
        return None if snapshot is None else snapshot.snapshot_id

    def row_count(self, table: str) -> int:
        """Rows in the current snapshot, from the metadata alone."""
        stored = self.stored(table)
        return 0 if stored is None else int(pl.scan_iceberg(stored).select(pl.len()).collect().item())

    def days(self, table: str) -> list[date]:
        """Days that have rows, in order; empty for a table that is not cut by day."""
        stored = self.stored(table)
        if stored is None or "day" not in stored.schema().column_names:
            return []
        return list(pl.scan_iceberg(stored).select(pl.col("day").unique().sort()).collect()["day"])

    def tables(self) -> list[str]:
        """Names of this dataset's tables, in order."""
        return sorted(name for _, name in self.catalog.list_tables(self.dataset))

    def datasets(self) -> list[str]:
        """Names of the datasets in this lake, in order."""
        return sorted(namespace[0] for namespace in self.catalog.list_namespaces())

    def stored(self, table: str) -> Table | None:
        """The Iceberg table itself, for the warehouse's own use; None if it was never written."""
        try:
            return self.catalog.load_table((self.dataset, table))
        except NoSuchTableError:
            return None

    def stored_in_all_datasets(self) -> list[Table]:
        """Every Iceberg table of this lake, whatever its dataset, for the warehouse's own use."""
        return [
            self.catalog.load_table(name)
            for dataset in self.datasets()
            for name in sorted(self.catalog.list_tables(dataset))
        ]

    def close(self) -> None:
        """Closes the connections to the catalogue."""
        self.catalog.close()

    def _commit(
        self, stored: Table, rows: pl.LazyFrame, columns: Sequence[str], partition: Mapping[str, date | str] | None
    ) -> int:
        """Writes the rows and returns the snapshot of this very commit, not of one that came after it."""
        where = None if partition is None else inside(partition)
        growth: Literal["merge"] | None = None if stored.schema().column_names == list(columns) else "merge"
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=FIRST_WRITE_WARNING)
                done = rows.sink_iceberg(stored, mode="overwrite", schema_mode=growth, overwrite_filter=where)
        except (ValidationException, CommitFailedException) as error:
            raise ConcurrentWrite(
                f"another writer changed {'.'.join(stored.name())} {partition or '(whole table)'} meanwhile; "
                f"nothing was written, run again: {error}"
            ) from error
        return StaticTable.from_metadata(done.item()).metadata.refs[MAIN_BRANCH].snapshot_id

    def _create_if_absent(self, table: str, schema: type[dy.Schema]) -> Table:
        columns = stored_schema(schema)
        stored = self.stored(table)
        if stored is not None:
            refuse_changed_types(table, stored, schema)
            return stored
        try:
            return self.catalog.create_table(
                (self.dataset, table),
                schema=columns,
                partition_spec=stored_partitioning(schema, columns),
                properties=TABLE_PROPERTIES,
            )
        except TableAlreadyExistsError:
            return self.catalog.load_table((self.dataset, table))
