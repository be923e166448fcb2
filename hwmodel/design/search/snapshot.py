"""A short name of everything in a scenario that a replay depends on."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from hwmodel.design.scenario import Scenario


def snapshot_of(scenario: Scenario) -> str:
    """Equal demands, promises and engine settings have equal snapshots; names do not count."""
    told = hashlib.sha256()
    for part in (scenario.baseline, scenario.abandonment, *scenario.pools):
        _tell(told, part)
    return told.hexdigest()[:12]


def _tell(told: "hashlib._Hash", value: Any) -> None:
    if is_dataclass(value):
        for field in fields(value):
            told.update(field.name.encode())
            _tell(told, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        told.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple | list):
        for part in value:
            _tell(told, part)
    elif isinstance(value, dict):
        for name in sorted(value):
            told.update(str(name).encode())
            _tell(told, value[name])
    else:
        told.update(repr(value).encode())
