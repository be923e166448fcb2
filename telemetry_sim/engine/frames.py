"""Turns played drafts into the columns of the contracts."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from telemetry_sim.behaviour.draft import CANCELLED, INTERRUPTED, ROOT, SERVED, Draft
from telemetry_sim.engine.columns import (
    Bytes,
    call_bytes,
    day_offsets,
    gathered,
    instants,
    known_or_null,
    session_bytes,
    suffixed,
    text,
    tool_bytes,
    words_of,
)
from telemetry_sim.engine.play import Played
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import MODELS, PHASES, TOOL_KINDS
from telemetry_sim.population.arrivals import REGIONS
from telemetry_sim.population.clients import Clients
from warehouse.contracts import (
    SERVICE_TIERS,
    SURFACES,
    CallStatus,
    ModelCalls,
    SessionOutcome,
    Sessions,
    Surface,
    ToolCalls,
    values_of,
)

STATUSES = values_of(CallStatus)
NEVER = -1
OUTCOMES = values_of(SessionOutcome)
FINISHES = ("stop", "tool_use", "cancelled", "interrupted")
REGION_NAMES = tuple(region.name for region in REGIONS)
PREFIXES = {
    Surface.API_BURST: "api",
    Surface.ALWAYS_ON_ASSISTANT: "assistant",
    Surface.LONG_CONTEXT_CHAT: "chat",
    Surface.CODEX_LOOP: "codex",
    Surface.MULTIMODAL: "image",
    Surface.AUTONOMOUS_WORKFLOW: "workflow",
}
"""What the ids of a surface start with, in order of the alphabet: made in this order, a day is sorted by session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The sessions that some clients started on one day, served."""

    surface: Surface
    start_day: date
    seed: int
    clients: Clients
    draft: Draft
    played: Played
    session_bytes: Bytes = field(init=False)
    call_bytes: Bytes = field(init=False)
    session_ids: pl.Series = field(init=False)
    call_ids: pl.Series = field(init=False)
    """Of all rows, also those that never were requested."""
    request_days: Ints = field(init=False)
    """Days from the start day to each row's request; -1 where it never came."""
    requested: Bools = field(init=False)
    """Rows that really were requested: not those after somebody left or the session's limit."""

    def __post_init__(self) -> None:
        draft, opened = self.draft, self.draft.opened
        prefix = f"{PREFIXES[self.surface]}-{self.start_day:%Y%m%d}-"
        ids = session_bytes(prefix, opened.client, opened.ordinal)
        requested = draft.rows.step < self.played.played_count[draft.rows.session]
        calls = call_bytes(ids, draft.rows.session, draft.rows.step)
        object.__setattr__(self, "session_bytes", ids)
        object.__setattr__(self, "call_bytes", calls)
        object.__setattr__(self, "session_ids", text(ids))
        object.__setattr__(self, "call_ids", text(calls))
        object.__setattr__(self, "requested", np.asarray(requested, dtype=np.bool_))
        object.__setattr__(self, "request_days", np.where(requested, day_offsets(self.played.requested_s), NEVER))

    def constants(self, day_offset: int) -> list[pl.Expr]:
        """Columns that all rows share."""
        return [
            pl.lit(self.surface.value, dtype=pl.Enum(list(SURFACES))).alias("surface"),
            pl.lit(f"synthetic:{self.seed}").alias("source_id"),
            pl.lit(self.start_day + timedelta(days=day_offset)).alias("day"),
        ]

    def tenant_ids(self, client: Ints) -> pl.Series:
        """Ids of the tenants of clients, which are increasing."""
        low, high = (int(client[0]), int(client[-1]) + 1) if len(client) else (0, 0)
        numbers = pl.Series(self.clients.tenant[low:high])
        names = pl.select(pl.format(f"{PREFIXES[self.surface]}-tenant-{{}}", numbers)).to_series()
        return names.gather(pl.Series(client - low))


def model_calls(batch: Batch, day_offset: int) -> pl.DataFrame:
    """The batch's calls requested so many days after its start day."""
    draft, played, clients = batch.draft, batch.played, batch.clients
    rows = np.flatnonzero(batch.request_days == day_offset)
    if len(rows) == 0:
        return ModelCalls.create_empty()
    session = draft.rows.session[rows]
    client = draft.opened.client[session]
    output, fate = played.output_tokens[rows], played.fate[rows]
    answered = (fate == SERVED) | (fate == CANCELLED) | (fate == INTERRUPTED)
    before = np.where(draft.rows.step[rows] > 0, rows - 1, ROOT)
    columns = {
        "call_id": batch.call_ids.gather(pl.Series(rows)),
        "session_id": batch.session_ids.gather(pl.Series(session)),
        "turn_id": draft.turn[rows],
        "step_index": draft.rows.step[rows],
        "tenant_id": batch.tenant_ids(client),
        "client_id": clients.client_ids.gather(pl.Series(client)),
        **_agents(batch, rows, session),
        "phase": words_of(PHASES, draft.phase[rows], closed=False),
        "model": words_of(MODELS, draft.model[rows], closed=False),
        "service_tier": words_of(SERVICE_TIERS, clients.tier[client]),
        "region": words_of(REGION_NAMES, clients.region[client], closed=False),
        "requested_at": instants(played.requested_s[rows], batch.start_day),
        "input_tokens": draft.input_tokens[rows],
        "cache_read_tokens": known_or_null(answered, played.cache_read_tokens[rows]),
        "output_tokens": known_or_null(answered, output),
        "reasoning_tokens": known_or_null(answered, np.minimum(draft.reasoning_tokens[rows], output)),
        "image_tokens": draft.image_tokens[rows],
        "parent_call_id": gathered(batch.call_ids, played.parent_row[rows]),
        "shared_prefix_tokens": played.shared_tokens[rows],
        "starts_after_call_id": gathered(batch.call_ids, before),
        "gap_s": known_or_null(before != ROOT, draft.gap_s[rows]),
        "queue_s": pl.Series(played.queue_s[rows], nan_to_null=True),
        "ttft_s": pl.Series(played.ttft_s[rows], nan_to_null=True),
        "duration_s": played.duration_s[rows],
        "status": words_of(STATUSES, np.where(fate == INTERRUPTED, CANCELLED, fate)),
        "finish_reason": words_of(FINISHES, _finish(batch, rows), closed=False),
    }
    return pl.DataFrame(columns).with_columns(batch.constants(day_offset)).select(ModelCalls.column_names())


def tool_calls(batch: Batch, day_offset: int) -> pl.DataFrame:
    """The batch's tool calls that started so many days after its start day: those of calls answered in full."""
    draft, played, tools = batch.draft, batch.played, batch.draft.tools
    if len(tools.row) == 0:
        return ToolCalls.create_empty()
    end_s = played.requested_s + played.duration_s
    runs = batch.requested[tools.row] & (played.fate[tools.row] == SERVED)
    started_s = end_s[tools.row] + draft.approval_s[tools.row]
    picked = np.flatnonzero(runs & (day_offsets(started_s) == day_offset))
    if len(picked) == 0:
        return ToolCalls.create_empty()
    row = tools.row[picked]
    is_agent = np.isnan(tools.duration_s[picked])
    duration_s = np.where(is_agent, _subagent_span_s(batch, row, end_s), tools.duration_s[picked])
    place = picked - np.searchsorted(tools.row, row, side="left")
    columns = {
        "tool_call_id": text(tool_bytes(batch.call_bytes, row, place)),
        "call_id": batch.call_ids.gather(pl.Series(row)),
        "session_id": batch.session_ids.gather(pl.Series(draft.rows.session[row])),
        "kind": words_of(TOOL_KINDS, tools.kind[picked], closed=False),
        "started_at": instants(started_s[picked], batch.start_day),
        "duration_s": duration_s,
        "ok": tools.ok[picked],
    }
    return pl.DataFrame(columns).with_columns(batch.constants(day_offset)).select(ToolCalls.column_names())


def sessions(batch: Batch) -> pl.DataFrame:
    """All sessions of the batch."""
    draft, played, clients, opened = batch.draft, batch.played, batch.clients, batch.draft.opened
    if len(opened.client) == 0:
        return Sessions.create_empty()
    last = draft.rows.first_row + played.played_count - 1
    whole = draft.escalated & (played.played_count == draft.row_count)
    columns = {
        "session_id": batch.session_ids,
        "tenant_id": batch.tenant_ids(opened.client),
        "client_id": clients.client_ids.gather(pl.Series(opened.client)),
        "region": words_of(REGION_NAMES, clients.region[opened.client], closed=False),
        "service_tier": words_of(SERVICE_TIERS, clients.tier[opened.client]),
        "started_at": instants(opened.start_s, batch.start_day),
        "ended_at": instants(played.requested_s[last] + played.duration_s[last], batch.start_day),
        "turn_count": draft.turn[last] + 1,
        "call_count": played.played_count,
        "outcome": words_of(OUTCOMES, np.where(played.abandoned, 1, np.where(whole, 2, 0))),
        "paid": clients.paid[opened.client],
    }
    return pl.DataFrame(columns).with_columns(batch.constants(0)).select(Sessions.column_names())


def _agents(batch: Batch, rows: Ints, session: Ints) -> dict[str, pl.Series]:
    """Names of sub-agents and of who started them; null for main agents."""
    is_subagent = batch.draft.is_subagent[rows]
    if not is_subagent.any():
        nobody = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        return {"agent_id": nobody, "parent_agent_id": nobody}
    place = np.where(is_subagent, session, ROOT)
    return {
        "agent_id": gathered(text(suffixed(batch.session_bytes, "-sub1")), place),
        "parent_agent_id": gathered(text(suffixed(batch.session_bytes, "-main")), place),
    }


def _finish(batch: Batch, rows: Ints) -> Ints:
    fate = batch.played.fate[rows]
    done = np.where(batch.draft.asks_tools[rows], 1, 0)
    return np.select([fate == SERVED, fate == CANCELLED, fate == INTERRUPTED], [done, 2, 3], -1)


def _subagent_span_s(batch: Batch, row: Ints, end_s: Floats) -> Floats:
    """From the end of the asking call to the end of the sub-agent's last call that was requested."""
    draft = batch.draft
    session = draft.rows.session[row]
    last = np.full(len(draft.opened.client), ROOT, np.int64)
    sub_rows = np.flatnonzero(draft.is_subagent & batch.requested)
    last[draft.rows.session[sub_rows]] = sub_rows
    return np.where(last[session] == ROOT, 0.0, np.maximum(end_s[last[session]] - end_s[row], 0.0))
