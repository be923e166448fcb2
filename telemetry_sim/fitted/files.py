"""A fitted surface as a parameter file: YAML of at most 64 KB, read back into the same numbers."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml

from telemetry_sim.errors import ParameterError
from telemetry_sim.fitted.surface import FittedSurface

MOST_BYTES = 64 * 1024
DIGITS = 9
"""Significant digits that are kept; `rounded` makes a surface equal to what its file holds."""


def surface_text(surface: FittedSurface) -> str:
    """The parameter file's text.

    Raises:
        ParameterError: if it is longer than 64 KB.
    """
    text = yaml.safe_dump(_plain(surface), sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ParameterError(f"the file of surface {surface.name} would hold {size} bytes, the limit is {MOST_BYTES}")
    return text


def save_fitted(surface: FittedSurface, path: Path) -> None:
    """Writes a surface as YAML.

    Raises:
        ParameterError: if it is longer than 64 KB.
    """
    path.write_text(surface_text(surface), encoding="utf-8")


def load_fitted(path: Path) -> FittedSurface:
    """Reads a surface back.

    Raises:
        ParameterError: if the file is no fitted surface: unknown or missing keys, numbers outside their limits.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"{path}: not a readable parameter file: {error}") from error
    surface = _built(FittedSurface, content, path.name)
    if not isinstance(surface, FittedSurface):
        raise ParameterError(f"{path}: holds no fitted surface; write one with `scoville fit`")
    return surface


def rounded(surface: FittedSurface) -> FittedSurface:
    """The surface with its numbers cut to the digits that a file keeps: plays the same before and after saving."""
    kept = _built(FittedSurface, _plain(surface), surface.name)
    return kept if isinstance(kept, FittedSurface) else surface


def _plain(value: Any) -> Any:
    """Plain values; what stands at its default is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = [entry for entry in fields(value) if getattr(value, entry.name) != entry.default]
        return {entry.name: _plain(getattr(value, entry.name)) for entry in shown}
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return [_plain(held) for held in value]
    if isinstance(value, StrEnum):
        return str(value)
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _built(hint: Any, content: Any, where: str) -> Any:
    """The value of a type hint out of plain values."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        options = [option for option in get_args(hint) if option is not types.NoneType]
        return None if content is None else _built(options[0], content, where)
    if is_dataclass(hint):
        return _built_record(hint, content, where)
    if origin is tuple:
        if not isinstance(content, list):
            raise ParameterError(f"{where}: found {content!r} where a list belongs")
        return tuple(_built(get_args(hint)[0], held, f"{where}[{place}]") for place, held in enumerate(content))
    if origin is dict:
        if not isinstance(content, Mapping):
            raise ParameterError(f"{where}: found {content!r} where keys and values belong")
        of_key, of_value = get_args(hint)
        return {_built(of_key, key, where): _built(of_value, held, f"{where}.{key}") for key, held in content.items()}
    try:
        right = isinstance(content, int | float) and not isinstance(content, bool) if hint in {int, float} else True
        if not right or (hint is str and not isinstance(content, str)):
            raise ParameterError(f"{where}: found {content!r} where {hint.__name__} belongs")
        return hint(content)
    except ValueError as error:
        raise ParameterError(f"{where}: {error}") from error


def _built_record(hint: Any, content: Any, where: str) -> Any:
    entries = {entry.name: entry for entry in fields(hint)}
    needed = {name for name, entry in entries.items() if entry.default is MISSING}
    found = set(content) if isinstance(content, Mapping) else None
    if found is None or not needed <= found <= set(entries):
        raise ParameterError(f"{where}: found {sorted(map(str, found or ()))}; the keys are {sorted(entries)}")
    hints = get_type_hints(hint)
    return hint(**{name: _built(hints[name], held, f"{where}.{name}") for name, held in content.items()})
