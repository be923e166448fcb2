"""Housekeeping of the lake: forget old snapshots that nobody named, delete files that no snapshot needs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlparse

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from warehouse.errors import ConcurrentWrite, UnsafeSweep
from warehouse.lake import Lake

SHORTEST_ORPHAN_AGE = timedelta(hours=1)
"""A running write's files are named by no snapshot until it commits; no write takes this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was removed from one table (`dataset.table`): snapshots forgotten, or files deleted and bytes freed."""

    table: str
    snapshot_ids: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    freed_bytes: int = 0


def expire_snapshots(lake: Lake, *, older_than: timedelta, keep: Collection[int], now: datetime) -> list[Removal]:
    """Forgets old snapshots of every dataset's tables; their files stay until `sweep_orphans`.

    Args:
        lake: Any dataset's lake; all datasets under its home are kept house for.
        older_than: Age from which a snapshot may go.
        keep: Snapshot ids that stay whatever their age (those that the ledger names); the current one always stays.
        now: The clock, with its time zone.

    Returns:
        One entry for each table that lost snapshots.

    Raises:
        ConcurrentWrite: if a table was written while its snapshots were removed.
    """
    limit_ms = (now - older_than).timestamp() * 1000
    removals = []
    for table in lake.stored_in_all_datasets():
        heads = {reference.snapshot_id for reference in table.refs().values()}
        old = [
            snapshot.snapshot_id
            for snapshot in table.snapshots()
            if snapshot.timestamp_ms < limit_ms and snapshot.snapshot_id not in heads | set(keep)
        ]
        if old:
            _expire(table, old)
            removals.append(Removal(table=".".join(table.name()), snapshot_ids=tuple(old)))
    return removals


def sweep_orphans(lake: Lake, *, older_than: timedelta, now: datetime) -> list[Removal]:
    """Deletes files in the tables' folders that no snapshot needs: what killed writers and expired snapshots left.

    Args:
        lake: Any dataset's lake; all datasets under its home are swept.
        older_than: Age from which a file may go, at least SHORTEST_ORPHAN_AGE.
        now: The clock, with its time zone.

    Returns:
        One entry for each table that lost files.

    Raises:
        UnsafeSweep: if older_than is so short that the files of a running write could go.
    """
    if older_than < SHORTEST_ORPHAN_AGE:
        raise UnsafeSweep(
            f"files of a running write could be older than {older_than}: sweep files of at least {SHORTEST_ORPHAN_AGE}"
        )
    limit_s = (now - older_than).timestamp()
    removals = [_sweep(table, limit_s) for table in lake.stored_in_all_datasets()]
    return [removal for removal in removals if removal.files]


def _expire(table: Table, snapshot_ids: list[int]) -> None:
    try:
        table.maintenance.expire_snapshots().by_ids(snapshot_ids).commit()
    except CommitFailedException as error:
        raise ConcurrentWrite(f"{'.'.join(table.name())} was written meanwhile; expire its snapshots again") from error


def _sweep(table: Table, limit_s: float) -> Removal:
    """Candidates are listed before the table is read again, so that a commit in between keeps its files."""
    candidates = {
        path: status.st_size
        for path in _local(table.location()).rglob("*")
        if path.is_file() and (status := path.stat()).st_mtime < limit_s
    }
    needed = _needed_files(table.refresh())
    orphans = tuple(sorted(candidates.keys() - needed))
    for path in orphans:
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    freed_bytes = sum(candidates[path] for path in orphans)
    return Removal(table=".".join(table.name()), files=orphans, freed_bytes=freed_bytes)


def _needed_files(table: Table) -> set[Path]:
    """Every file that the table or one of its snapshots needs: metadata, manifest lists, manifests, data."""
    needed = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    manifests = {}
    for snapshot in table.snapshots():
        needed.add(snapshot.manifest_list)
        manifests.update({manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)})
    needed.update(manifests)
    for manifest in manifests.values():
        entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        needed.update(entry.data_file.file_path for entry in entries)
    return {_local(location) for location in needed}


def _local(location: str) -> Path:
    """The file behind a location, which polars writes as a file URL and pyiceberg as a plain path."""
    return Path(unquote(urlparse(location).path)) if location.startswith("file:") else Path(location)
