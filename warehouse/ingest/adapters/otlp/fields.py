"""What the conventions of telemetry call things: the accepted attribute names of each field, old and new."""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "CALL_OPERATIONS",
    "CONTENT_WORDS",
    "COUNTS",
    "NAMES",
    "TOOL_OPERATIONS",
    "attributes",
    "number",
    "text",
]

NAMES: Mapping[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name", "openinference.span.kind"),
    "event": ("event.name",),
    "event_kind": ("event.kind",),
    "event_time": ("event.timestamp",),
    "sequence": ("event.sequence",),
    "service": ("service.name",),
    "session": ("gen_ai.conversation.id", "session.id", "conversation.id", "thread.id"),
    "turn": ("prompt.id", "turn.id"),
    "user": ("user.id", "enduser.id", "user.account_uuid"),
    "tenant": ("organization.id",),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "model"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "input_token_count",
        "input_tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "output_token_count",
        "output_tokens",
    ),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "cached_token_count",
        "cache_read_tokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "cache_write_token_count",
        "cache_creation_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "llm.token_count.completion_details.reasoning",
        "reasoning_token_count",
    ),
    "image_tokens": ("gen_ai.usage.image.input_tokens",),
    "ttft_s": ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    "ttft_ms": ("ttft_ms",),
    "duration_ms": ("duration_ms",),
    "finish": ("gen_ai.response.finish_reasons", "finish_reason"),
    "error": ("error.type", "error.message", "error"),
    "status_code": ("http.response.status_code", "status_code"),
    "success": ("success",),
    "tool": ("gen_ai.tool.name", "tool.name", "tool_name"),
    "agent": ("gen_ai.agent.id", "gen_ai.agent.name", "agent.name"),
    "tier": ("gen_ai.openai.response.service_tier", "gen_ai.openai.request.service_tier", "service_tier"),
}
"""Accepted names of each field, the newest first (research of the conventions: sources.md, otel-genai)."""
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "image_tokens",
)
CALL_OPERATIONS = {"chat", "generate_content", "text_completion", "llm"}
TOOL_OPERATIONS = {"execute_tool", "tool"}
CONTENT_WORDS = (
    "messages",
    "input.value",
    "output.value",
    "arguments",
    "instructions",
    ".result",
    "prompts",
    "content",
)
WANTED = frozenset(name for names in NAMES.values() for name in names)
VALUE_KINDS = ("stringValue", "intValue", "doubleValue", "boolValue", "string_value", "int_value", "double_value")
LONGEST_TEXT = 1000
INT64 = 2**63


def attributes(raw: Any, dropped: dict[str, None]) -> dict[str, Any]:
    """The wanted attributes of a record as plain values; names of the others that could carry content are noted.

    Args:
        raw: OTLP's list of key and value, or an object of them.
        dropped: gets the names that look like content.
    """
    pairs: list[tuple[Any, Any]] = []
    if isinstance(raw, list):
        pairs = [(item.get("key"), item.get("value")) for item in raw if isinstance(item, dict)]
    elif isinstance(raw, dict):
        pairs = list(raw.items())
    known = {}
    for name, value in pairs:
        if name in WANTED if isinstance(name, str) else False:
            known[name] = _plain(value)
        elif isinstance(name, str) and any(word in name for word in CONTENT_WORDS):
            dropped[name[:80]] = None
    return known


def _plain(value: Any) -> Any:
    """The value inside OTLP's wrapper; of a list its first member."""
    if not isinstance(value, dict):
        return value
    for kind in (*VALUE_KINDS, "boolValue", "bool_value"):
        if kind in value:
            return value[kind]
    listed = value.get("arrayValue", value.get("array_value"))
    if isinstance(listed, dict) and isinstance(listed.get("values"), list) and listed["values"]:
        first = listed["values"][0]
        return _plain(first) if isinstance(first, dict) and "arrayValue" not in first else None
    return None


def first_of(known: Mapping[str, Any], field: str) -> Any:
    """The value under the newest of the field's names that is there."""
    return next((known[name] for name in NAMES[field] if known.get(name) is not None), None)


def text(known: Mapping[str, Any], field: str) -> str | None:
    """A field as text that can be encoded."""
    value = first_of(known, field)
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, str) or not value:
        return None
    return value[:LONGEST_TEXT].encode("utf-8", errors="replace").decode("utf-8")


def number(value: Any) -> float | None:
    """A number, or one written as text as OTLP writes integers; NaN where it is something else, null where missing."""
    if value is None:
        return None
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return float("nan")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < INT64:
        return float(value)
    return float("nan")
