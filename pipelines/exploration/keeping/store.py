"""Findings as one JSON file, so that a report can be rendered again: frames as base64 of Arrow IPC, the rest as is."""

import base64
import io
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import BadInput
from pipelines.exploration.findings import Findings
from pipelines.report import DesignChange, ExplainedView, Explanation, Interval, RecommendationView, RunFacts

FINDINGS_FILE = "findings.json"
KNOWN = {
    kind.__name__: kind
    for kind in (Findings, RecommendationView, DesignChange, ExplainedView, Explanation, Interval, RunFacts)
}


def save_findings(folder: Path, findings: Findings) -> Path:
    """Write the findings of a run into its folder, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path, half = folder / FINDINGS_FILE, folder / f".{FINDINGS_FILE}.part"
    half.write_text(json.dumps(_encoded(findings)))
    half.replace(path)
    return path


def load_findings(folder: Path) -> Findings:
    """Read the findings of a run.

    Raises:
        BadInput: There are none, or they were written by another version.
    """
    path = folder / FINDINGS_FILE
    try:
        found = _decoded(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"run {folder.name} has no findings that can be read ({error}); run the loop again") from error
    if not isinstance(found, Findings):
        raise BadInput(f"{path.name} of run {folder.name} holds no findings; run the loop again")
    return found


def _encoded(value: Any) -> Any:
    if isinstance(value, pl.DataFrame):
        buffer = io.BytesIO()
        value.write_ipc(buffer, compression="zstd")
        return {"frame": base64.b64encode(buffer.getvalue()).decode()}
    if is_dataclass(value) and not isinstance(value, type):
        members = {f.name: _encoded(getattr(value, f.name)) for f in fields(value)}
        return {"kind": type(value).__name__, "fields": members}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": {key: _encoded(item) for key, item in value.items()}}
    return value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "frame" in value:
        return pl.read_ipc(io.BytesIO(base64.b64decode(value["frame"])))
    if "kind" in value:
        return KNOWN[value["kind"]](**{name: _decoded(item) for name, item in value["fields"].items()})
    if "tuple" in value:
        return tuple(_decoded(item) for item in value["tuple"])
    return {key: _decoded(item) for key, item in value["dict"].items()}
