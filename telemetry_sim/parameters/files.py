"""Reads a surface's YAML file into its frozen dataclasses and refuses what is unknown, missing or out of limits."""

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any, get_type_hints

import numpy as np
import yaml

from telemetry_sim.errors import ParameterError
from telemetry_sim.parameters.agent_loop import PHASES, AgentLoop
from telemetry_sim.parameters.api_burst import ApiBurst
from telemetry_sim.parameters.chat import Chat
from telemetry_sim.parameters.models import MODELS, Models
from telemetry_sim.parameters.prompts import Cache, Context, Output
from telemetry_sim.parameters.service import Latency, Patience
from telemetry_sim.parameters.surface import Evidence, SurfaceParameters
from telemetry_sim.parameters.volume import Volume
from warehouse.contracts import EvidenceKind, Surface, values_of

SECTIONS = {
    "volume": Volume,
    "output": Output,
    "context": Context,
    "cache": Cache,
    "models": Models,
    "latency": Latency,
    "patience": Patience,
}
BEHAVIOURS = {
    Surface.CODEX_LOOP: AgentLoop,
    Surface.LONG_CONTEXT_CHAT: Chat,
    Surface.API_BURST: ApiBurst,
    Surface.MULTIMODAL: Chat,
    Surface.ALWAYS_ON_ASSISTANT: Chat,
    Surface.AUTONOMOUS_WORKFLOW: AgentLoop,
}
SHAPES = {
    "volume.diurnal_ratio": (24,),
    "volume.region_share_ratio": (3,),
    "volume.tier_share_ratio": (3,),
    "latency.tier_queue_ratio": (3,),
    "models.share_ratio": (len(MODELS),),
    "behaviour.opening_ratio": (len(PHASES),),
    "behaviour.transition_ratio": (len(PHASES), len(PHASES)),
    "behaviour.failure_ratio": (len(PHASES),),
    "behaviour.tool_share_ratio": (len(PHASES), 5),
    "behaviour.tool_median_s": (5,),
    "behaviour.tool_sigma_ratio": (5,),
    "behaviour.tool_slow_ratio": (5,),
}
SUMS_TO_ONE = (
    "volume.region_share_ratio",
    "volume.tier_share_ratio",
    "models.share_ratio",
    "behaviour.opening_ratio",
    "behaviour.transition_ratio",
    "behaviour.tool_share_ratio",
    "behaviour.image_count_ratio",
)
SUM_TOLERANCE = 1e-6


@cache
def surface_parameters(surface: Surface) -> SurfaceParameters:
    """The parameters of a surface as shipped with the package."""
    name = f"{surface.value}.yaml"
    return parse_surface((files("telemetry_sim") / "surfaces" / name).read_text(encoding="utf-8"), surface, name)


def parse_surface(text: str, surface: Surface, name: str) -> SurfaceParameters:
    """Parameters from YAML text.

    Args:
        text: Sections of numbers, each written as `{value: ..., source: key, kind: ...}`.
        surface: Whose parameters they are; decides the form of the section `behaviour`.
        name: File name for messages.

    Raises:
        ParameterError: With file, key, value and limit, if anything is unknown, missing or out of limits.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParameterError(f"{name}: not readable as YAML: {error}") from error
    sections = {**SECTIONS, "behaviour": BEHAVIOURS[surface]}
    evidence: list[Evidence] = []
    content = _checked_keys(document, tuple(sections), name, "top level")
    built = {key: _build(form, content[key], f"{key}", name, evidence) for key, form in sections.items()}
    return SurfaceParameters(surface=surface, evidence=tuple(evidence), **built)


def _checked_keys(
    content: object, expected: tuple[str, ...], name: str, where: str, optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ParameterError(f"{name}: {where} must hold the keys {', '.join(expected)}, found {content!r}")
    unknown = [str(key) for key in content if key not in expected]
    missing = [key for key in expected if key not in content and key not in optional]
    if unknown:
        raise ParameterError(f"{name}: {where} has unknown keys {', '.join(unknown)}; known: {', '.join(expected)}")
    if missing:
        raise ParameterError(f"{name}: {where} lacks the keys {', '.join(missing)}")
    return content


def _build(form: Any, content: object, path: str, name: str, evidence: list[Evidence]) -> Any:
    hints = get_type_hints(form)
    keys = tuple(entry.name for entry in fields(form))
    optional = tuple(entry.name for entry in fields(form) if entry.default is not MISSING)
    checked = _checked_keys(content, keys, name, path, optional)
    values: dict[str, Any] = {}
    for entry in fields(form):
        here = f"{path}.{entry.name}"
        hint = hints[entry.name]
        if entry.name not in checked:
            continue
        if is_dataclass(hint):
            values[entry.name] = _build(hint, checked[entry.name], here, name, evidence)
        else:
            values[entry.name] = _number(hint, checked[entry.name], here, name, entry.metadata, evidence)
    return form(**values)


def _number(hint: Any, content: object, path: str, name: str, limits: Any, evidence: list[Evidence]) -> Any:
    leaf = _checked_keys(content, ("value", "source", "kind"), name, path)
    kind, source, value = leaf["kind"], leaf["source"], leaf["value"]
    if kind not in values_of(EvidenceKind):
        raise ParameterError(f"{name}: {path}: kind {kind!r} is none of {', '.join(values_of(EvidenceKind))}")
    if not isinstance(source, str) or not source:
        raise ParameterError(f"{name}: {path}: source {source!r} must be a key of docs/sources.md")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name}: {path}: value {value!r} is not a number or a full table of numbers") from error
    low, high = limits["low"], limits["high"]
    if array.size == 0 or not np.all((array >= low) & (array <= high)):
        raise ParameterError(f"{name}: {path}: value {value!r} is outside [{low}, {high}]")
    _check_shape(hint, array, path, name)
    evidence.append(Evidence(key=path, value=str(value), source=source, kind=EvidenceKind(kind)))
    if hint is int:
        return int(array)
    return float(array) if hint is float else _tuples(array)


def _check_shape(hint: Any, array: np.ndarray[Any, np.dtype[np.float64]], path: str, name: str) -> None:
    if (array.ndim == 0) != (hint in {int, float}):
        raise ParameterError(f"{name}: {path}: expected {hint}, found a value of shape {array.shape}")
    if hint is int and float(array) != int(array):
        raise ParameterError(f"{name}: {path}: value {float(array)} must be a whole number")
    if path in SHAPES and array.shape != SHAPES[path]:
        raise ParameterError(f"{name}: {path}: shape {array.shape} must be {SHAPES[path]}")
    if path in SUMS_TO_ONE and np.any(np.abs(array.sum(axis=-1) - 1.0) > SUM_TOLERANCE):
        raise ParameterError(f"{name}: {path}: shares sum to {array.sum(axis=-1).tolist()}, they must sum to 1")


def _tuples(array: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[Any, ...]:
    return tuple(_tuples(row) if row.ndim else float(row) for row in array)
