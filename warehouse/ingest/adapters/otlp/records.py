"""Records of an OTLP export in JSON: spans and log records of one document or of one document a line, one at a time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouse.ingest.adapters.otlp.fields import attributes
from warehouse.ingest.reading.source import Source

__all__ = ["Record", "read_records"]

LISTS = (
    ("resourceSpans", "scopeSpans", "spans"),
    ("resource_spans", "scope_spans", "spans"),
    ("resourceSpans", "instrumentationLibrarySpans", "spans"),
    ("resourceLogs", "scopeLogs", "logRecords"),
    ("resource_logs", "scope_logs", "log_records"),
)
LARGEST_DOCUMENT_BYTES = 1 << 28
"""Assumed: one document of an export takes at most 256 MB; collectors batch a few thousand records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A span or a log record, or in its place what is wrong."""

    is_span: bool
    raw: dict[str, Any]
    known: dict[str, Any]
    """Wanted attributes of the record, over those of its resource."""
    scope: str
    problem: str | None = None


def read_records(source: Source, dropped: dict[str, None]) -> Iterator[Record]:
    """Records in order; a line or document that cannot be read gives one record with a problem.

    Args:
        source: the file.
        dropped: gets the names of attributes that look like content.
    """
    content = source.content.removeprefix(b"\xef\xbb\xbf").strip()
    first, _, rest = content.partition(b"\n")
    if rest and isinstance(_load(first), str):
        whole = _load(content) if len(content) <= LARGEST_DOCUMENT_BYTES else "is too large"
        if not isinstance(whole, str):
            yield from _records(whole, dropped)
            return
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        value = _load(line) if len(line) <= LARGEST_DOCUMENT_BYTES else "is too large"
        if isinstance(value, str):
            yield _problem(f"the line {value}")
        else:
            yield from _records(value, dropped)


def _problem(reason: str) -> Record:
    return Record(is_span=False, raw={}, known={}, scope="", problem=reason)


def _load(content: bytes) -> list[Any] | dict[str, Any] | str:
    """The JSON value, or what is wrong with the text."""
    try:
        value = json.loads(content)
    except RecursionError:
        return "is nested too deeply"
    except UnicodeDecodeError:
        return "holds bytes that are not UTF-8"
    except ValueError:
        return "is not JSON (cut short?)"
    return value if isinstance(value, dict | list) else "is JSON, but no export"


def _records(value: Any, dropped: dict[str, None]) -> Iterator[Record]:
    documents = value if isinstance(value, list) else [value]
    for document in documents:
        found = False
        for resources, scopes, records in LISTS:
            groups = document.get(resources) if isinstance(document, dict) else None
            if isinstance(groups, list):
                found = True
                for group in groups:
                    yield from _records_of(group, scopes, records, dropped)
        if not found:
            yield _problem("the document has neither resourceSpans nor resourceLogs")


def _records_of(group: Any, scopes: str, records: str, dropped: dict[str, None]) -> Iterator[Record]:
    if not isinstance(group, dict):
        yield _problem("an entry of the export is no object")
        return
    resource = group.get("resource")
    shared = attributes(resource.get("attributes"), dropped) if isinstance(resource, dict) else {}
    listed = group.get(scopes)
    for part in listed if isinstance(listed, list) else []:
        scope = part.get("scope") if isinstance(part, dict) else None
        name = scope.get("name") if isinstance(scope, dict) else None
        found = part.get(records) if isinstance(part, dict) else None
        for raw in found if isinstance(found, list) else []:
            if not isinstance(raw, dict):
                yield _problem("a record is no object")
                continue
            yield Record(
                is_span=records == "spans",
                raw=raw,
                known={**shared, **attributes(raw.get("attributes"), dropped)},
                scope=name[:80] if isinstance(name, str) else "",
            )
