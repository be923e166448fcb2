"""Small OTLP exports made up after the published conventions: gen_ai spans, OpenInference, Codex and Claude Code logs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_NS = 1_780_000_000_000_000_000
"""2026-05-28 20:26:40 UTC."""


def attribute(name: str, value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"key": name, "value": {"boolValue": value}}
        case int():
            return {"key": name, "value": {"intValue": str(value)}}  # OTLP writes integers as text
        case float():
            return {"key": name, "value": {"doubleValue": value}}
        case list():
            return {"key": name, "value": {"arrayValue": {"values": [{"stringValue": item} for item in value]}}}
        case _:
            return {"key": name, "value": {"stringValue": value}}


def attributes(known: Mapping[str, object]) -> list[dict[str, Any]]:
    return [attribute(name, value) for name, value in known.items()]


def span(name: str, begin_s: float, end_s: float, known: Mapping[str, object], **changes: Any) -> dict[str, Any]:
    """A span of trace t1 called `name`, child of `parent` if given."""
    record = {
        "traceId": "t1",
        "spanId": name,
        "name": name,
        "startTimeUnixNano": str(START_NS + int(begin_s * 1e9)),
        "endTimeUnixNano": str(START_NS + int(end_s * 1e9)),
        "attributes": attributes(known),
        "status": {},
    }
    parent = changes.pop("parent", None)
    return {**record, **({"parentSpanId": parent} if parent else {}), **changes}


def log(event: str, at_s: float, known: Mapping[str, object], **changes: Any) -> dict[str, Any]:
    record = {
        "timeUnixNano": str(START_NS + int(at_s * 1e9)),
        "body": {"stringValue": event},
        "attributes": attributes({"event.name": event, **known}),
    }
    return {**record, **changes}


def spans_of(*records: object, service: str = "shop", scope: str = "instrumentation") -> dict[str, Any]:
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": scope}, "spans": [*records]}]}]}


def logs_of(*records: object, service: str = "codex_cli") -> dict[str, Any]:
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": [*records]}]}]}


def otlp_file(folder: Path, *documents: object, name: str = "export.jsonl") -> Path:
    path = folder / name
    lines = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m-1"}
GEN_AI = spans_of(
    span("root", 0, 30, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": "planner", "gen_ai.conversation.id": "c1"}),
    span("a", 0, 4, {**CHAT, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cache_read.input_tokens": 600, "gen_ai.usage.reasoning.output_tokens": 20, "gen_ai.response.time_to_first_chunk": 1.5, "gen_ai.response.finish_reasons": ["tool_calls"], "gen_ai.input.messages": "my secret"}, parent="root"),
    span("t", 4.5, 6.5, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "grep", "gen_ai.tool.call.arguments": "my secret"}, parent="root"),
    span("sub", 7, 20, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": "searcher"}, parent="root"),
    span("b", 8, 12, {**CHAT, "gen_ai.usage.prompt_tokens": 300, "gen_ai.usage.completion_tokens": 7}, parent="sub"),
    span("c", 22, 25, {**CHAT, "gen_ai.usage.input_tokens": 1100}, parent="root", status={"code": 2}),
    span("d", 26, 26.5, {**CHAT, "error.type": "rate_limit_exceeded"}, parent="root"),
)  # fmt: skip
OPENINFERENCE = spans_of(
    span("chain", 0, 9, {"openinference.span.kind": "CHAIN", "session.id": "s9"}),
    span("wrap", 0, 5, {"openinference.span.kind": "LLM", "llm.token_count.prompt": 80}, parent="chain"),
    span("call", 1, 5, {"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "m-2", "llm.token_count.prompt": 80, "llm.token_count.completion": 9, "llm.token_count.prompt_details.cache_read": 16}, parent="wrap"),
    span("tool", 5.5, 6, {"openinference.span.kind": "TOOL", "tool.name": "sql"}, parent="chain", status={"code": "STATUS_CODE_ERROR"}),
)  # fmt: skip
CLAUDE = logs_of(
    log("claude_code.user_prompt", 0, {"session.id": "cc", "prompt.id": "p1", "prompt": "my secret"}),
    log("claude_code.api_request", 5, {"session.id": "cc", "prompt.id": "p1", "model": "claude", "input_tokens": "3", "output_tokens": 20, "cache_read_tokens": 900, "cache_creation_tokens": 97, "duration_ms": 4000, "ttft_ms": 900}),
    log("claude_code.tool_result", 7, {"session.id": "cc", "prompt.id": "p1", "tool_name": "Bash", "success": "true", "duration_ms": 1500}),
    log("api_error", 9, {"session.id": "cc", "prompt.id": "p2", "status_code": 429, "duration_ms": 500, "error": "Too many requests"}),
    service="claude-code",
)  # fmt: skip
CODEX = logs_of(
    log("codex.user_prompt", 0, {"conversation.id": "cx"}),
    log("codex.api_request", 2, {"conversation.id": "cx", "duration_ms": 1500, "http.response.status_code": 200, "success": True, "model": "gpt"}),
    log("codex.sse_event", 3, {"conversation.id": "cx", "event.kind": "response.output_item.done"}),
    log("codex.sse_event", 6, {"conversation.id": "cx", "event.kind": "response.completed", "input_token_count": 500, "output_token_count": 40, "cached_token_count": 400, "reasoning_token_count": 30}),
    log("codex.tool_result", 8, {"conversation.id": "cx", "tool_name": "shell", "duration_ms": 1000, "success": "false"}),
    log("codex.user_prompt", 20, {"conversation.id": "cx"}),
    log("codex.api_request", 22, {"conversation.id": "cx", "duration_ms": 800, "success": True}),
)  # fmt: skip
