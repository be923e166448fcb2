"""Housekeeping of the lake as an op: which snapshots may go, which files nobody needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from pipelines.resources import LakeResource, LedgerResource
from warehouse.lake import Lake
from warehouse.ledger import Ledger
from warehouse.maintenance import Removal, expire_snapshots, sweep_orphans

MAINTENANCE_OP = "maintain_lake"
SNAPSHOTS_KEPT = timedelta(days=30)
ORPHANS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    """What was removed from the lake."""

    snapshot_count: int
    file_count: int
    freed_bytes: int


def keep_house(lake: Lake, ledger: Ledger, *, now: datetime) -> Housekeeping:
    """Forgets snapshots older than 30 days that no run in the ledger names, and deletes orphans older than a day."""
    expired = expire_snapshots(lake, older_than=SNAPSHOTS_KEPT, keep=ledger.snapshots_named(), now=now)
    return _sum(expired, sweep_orphans(lake, older_than=ORPHANS_KEPT, now=now))


@dg.op(name=MAINTENANCE_OP, description="Expire snapshots, sweep orphan files.", pool="lake_write")
def maintain_lake(context: dg.OpExecutionContext, lake: LakeResource, ledger: LedgerResource) -> None:
    """Keeps house for every data set of the lake."""
    with lake.opened() as tables, ledger.opened() as records:
        done = keep_house(tables, records, now=datetime.now(UTC))
    context.log.info("%d snapshots forgotten, %d files deleted", done.snapshot_count, done.file_count)
    context.add_output_metadata(
        {"snapshots": done.snapshot_count, "files": done.file_count, "freed_bytes": done.freed_bytes}
    )


def _sum(expired: Sequence[Removal], swept: Sequence[Removal]) -> Housekeeping:
    return Housekeeping(
        snapshot_count=sum(len(removal.snapshot_ids) for removal in expired),
        file_count=sum(len(removal.files) for removal in swept),
        freed_bytes=sum(removal.freed_bytes for removal in swept),
    )
