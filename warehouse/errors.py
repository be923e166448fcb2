"""Errors that a caller of the warehouse may expect; all derive from WarehouseError, and each message names the way out.

WarehouseError
├── UnusableHome           a state folder that cannot be made or written
├── UnreachableDatabase    a database URL that is wrong, lacks its driver or does not answer
├── MovedHome              the state folder lies elsewhere than where it was created
├── BadDatasetName         a dataset name that cannot be an Iceberg namespace
├── UnstorableColumn       a contract column of a dtype that the lake has no exact type for
├── ContractBroken         a frame that breaks the contract of its table
├── SchemaChanged          a contract column changed its type against the stored table
├── UnknownPartition       a partition key that the table is not partitioned by
├── OutsidePartition       rows that lie outside the partition they were to replace
├── UnknownSnapshot        a snapshot that the table never had or that has expired
├── ConcurrentWrite        another writer changed the same partition meanwhile
├── UnsafeSweep            a sweep so eager that it could delete files of a running write
├── ImmutableRow           a change to a row that may never change
├── DuplicateRow           a second row of the same key
├── MissingReference       a row that points at one that is not in the ledger
├── MissingPrediction      a re-evaluation of a recommended design that nobody predicted
├── NewerLedger            a ledger that newer code has upgraded
├── NotRecorded            a question about something that the ledger does not hold
└── BadRecord              a record whose own values contradict each other
"""

__all__ = [
    "BadDatasetName",
    "BadRecord",
    "ConcurrentWrite",
    "ContractBroken",
    "DuplicateRow",
    "ImmutableRow",
    "MissingPrediction",
    "MissingReference",
    "MovedHome",
    "NewerLedger",
    "NotRecorded",
    "OutsidePartition",
    "SchemaChanged",
    "UnknownPartition",
    "UnknownSnapshot",
    "UnreachableDatabase",
    "UnsafeSweep",
    "UnstorableColumn",
    "UnusableHome",
    "WarehouseError",
]


class WarehouseError(Exception):
    """Base of every expected error of the warehouse; its text is one message fit for a user."""


class UnusableHome(WarehouseError):
    """A state folder that cannot be made or written."""


class UnreachableDatabase(WarehouseError):
    """A database URL that is wrong, lacks its driver, or does not answer."""


class MovedHome(WarehouseError):
    """The state folder lies elsewhere than where it was created."""


class BadDatasetName(WarehouseError):
    """A dataset name that cannot be an Iceberg namespace."""


class UnstorableColumn(WarehouseError):
    """A contract column of a dtype that the lake has no exact type for."""


class ContractBroken(WarehouseError):
    """A frame that breaks the contract of its table."""


class SchemaChanged(WarehouseError):
    """A contract column changed its type against the stored table."""


class UnknownPartition(WarehouseError):
    """A partition key that the table is not partitioned by."""


class OutsidePartition(WarehouseError):
    """Rows that lie outside the partition they were to replace."""


class UnknownSnapshot(WarehouseError):
    """A snapshot that the table never had or that has expired."""


class ConcurrentWrite(WarehouseError):
    """Another writer changed the same partition between our read of the table and our commit."""


class UnsafeSweep(WarehouseError):
    """A sweep so eager that it could delete files of a running write."""


class ImmutableRow(WarehouseError):
    """An update or delete of a row that may never change."""


class DuplicateRow(WarehouseError):
    """A second row of the same key."""


class MissingReference(WarehouseError):
    """A row that points at one that is not in the ledger."""


class MissingPrediction(WarehouseError):
    """A re-evaluation of a recommended design for which no prediction was logged earlier."""


class NewerLedger(WarehouseError):
    """A ledger that newer code has upgraded."""


class NotRecorded(WarehouseError):
    """A question about something that the ledger does not hold."""


class BadRecord(WarehouseError):
    """A record whose own values contradict each other."""
