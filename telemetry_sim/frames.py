"""Turns played drafts into the columns of the contracts; whoever joins the batches of a day casts them."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from telemetry_sim.arrivals import REGIONS
from telemetry_sim.clients import Clients
from telemetry_sim.columns import call_ids, instants, is_on_day, known_or_null, named_or_null, numbered, words_of
from telemetry_sim.draft import CANCELLED, ROOT, SERVED, Draft
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import PHASES, TOOL_KINDS
from telemetry_sim.play import Played
from warehouse.contracts import SERVICE_TIERS, CallStatus, SessionOutcome, Surface, values_of

STATUSES = values_of(CallStatus)
OUTCOMES = values_of(SessionOutcome)
PREFIXES = {
    Surface.CODEX_LOOP: "codex",
    Surface.LONG_CONTEXT_CHAT: "chat",
    Surface.API_BURST: "api",
    Surface.MULTIMODAL: "image",
    Surface.ALWAYS_ON_ASSISTANT: "assistant",
    Surface.AUTONOMOUS_WORKFLOW: "workflow",
}
"""What the ids of a surface start with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All sessions that one block of clients started on one day, served."""

    surface: Surface
    start_day: date
    block: int
    seed: int
    clients: Clients
    draft: Draft
    played: Played

    @property
    def session_ids(self) -> pl.Series:
        """Ids of all sessions of the batch."""
        prefix = f"{PREFIXES[self.surface]}-{self.start_day:%Y%m%d}-{self.block}-"
        numbers = pl.Series("session_id", np.arange(len(self.draft.client)))
        return pl.select(pl.format(prefix + "{}", numbers)).to_series().alias("session_id")

    @property
    def source_id(self) -> str:
        """What the rows came from."""
        return f"synthetic:{self.seed}"

    def requested(self) -> Bools:
        """Rows that really were requested: not those after somebody left or the session's limit."""
        return np.asarray(self.draft.step < self.played.played_count[self.draft.session], dtype=np.bool_)


def model_calls(batch: Batch, day: date) -> pl.DataFrame:
    """The batch's calls requested on a UTC day."""
    draft, played, clients = batch.draft, batch.played, batch.clients
    rows = np.flatnonzero(batch.requested() & is_on_day(played.requested_s, batch.start_day, day))
    session = draft.session[rows]
    client = draft.client[session]
    ids = batch.session_ids
    output = played.output_tokens[rows]
    answered = (played.fate[rows] == SERVED) | (played.fate[rows] == CANCELLED)
    main_agent = np.where(draft.is_subagent[rows], session, ROOT)
    before = np.where(draft.step[rows] > 0, rows - 1, ROOT)
    reasoning = np.minimum(draft.reasoning_tokens[rows], output)
    columns = {
        "call_id": call_ids(ids, draft.session, draft.step, rows),
        "session_id": ids.gather(session),
        "turn_id": draft.turn[rows],
        "step_index": draft.step[rows],
        "tenant_id": numbered(f"{PREFIXES[batch.surface]}-tenant-", clients.tenant[client]),
        "client_id": clients.client_ids.gather(client),
        "agent_id": named_or_null(ids, main_agent, "{}-sub1"),
        "parent_agent_id": named_or_null(ids, main_agent, "{}-main"),
        "phase": words_of(PHASES, draft.phase[rows]),
        "service_tier": words_of(SERVICE_TIERS, clients.tier[client]),
        "region": words_of(tuple(region.name for region in REGIONS), clients.region[client]),
        "requested_at": instants(played.requested_s[rows], batch.start_day),
        "input_tokens": draft.input_tokens[rows],
        "cache_read_tokens": known_or_null(answered, played.cache_read_tokens[rows]),
        "output_tokens": known_or_null(answered, output),
        "reasoning_tokens": known_or_null(answered, reasoning),
        "image_tokens": draft.image_tokens[rows],
        "parent_call_id": call_ids(ids, draft.session, draft.step, draft.parent_row[rows]),
        "shared_prefix_tokens": draft.shared_tokens[rows],
        "starts_after_call_id": call_ids(ids, draft.session, draft.step, before),
        "gap_s": known_or_null(before != ROOT, draft.gap_s[rows]),
        "queue_s": known_or_null(~np.isnan(played.queue_s[rows]), played.queue_s[rows]),
        "ttft_s": known_or_null(~np.isnan(played.ttft_s[rows]), played.ttft_s[rows]),
        "duration_s": played.duration_s[rows],
        "status": words_of(STATUSES, played.fate[rows]),
        "finish_reason": words_of(("stop", "tool_use", "cancelled"), _finish(batch, rows)),
    }
    return pl.DataFrame(columns).with_columns(
        surface=pl.lit(batch.surface.value),
        model=pl.lit(None, dtype=pl.String),
        source_id=pl.lit(batch.source_id),
        day=pl.lit(day),
    )


def tool_calls(batch: Batch, day: date) -> pl.DataFrame:
    """The batch's tool calls that started on a UTC day: those of calls that were answered in full."""
    draft, played, tools = batch.draft, batch.played, batch.draft.tools
    end_s = played.requested_s + played.duration_s
    row = tools.row
    runs = batch.requested()[row] & (played.fate[row] == SERVED)
    started_s = end_s[row] + draft.approval_s[row]
    picked = np.flatnonzero(runs & is_on_day(started_s, batch.start_day, day))
    row, started_s = row[picked], started_s[picked]
    is_agent = np.isnan(tools.duration_s[picked])
    duration_s = np.where(is_agent, _subagent_span_s(batch, row, end_s), tools.duration_s[picked])
    first_tool = np.searchsorted(tools.row, row, side="left")
    ids = batch.session_ids
    asked_by = call_ids(ids, draft.session, draft.step, row)
    place = pl.Series(picked - first_tool)
    return pl.DataFrame(
        {
            "tool_call_id": pl.select(pl.format("{}-tool{}", asked_by, place)).to_series(),
            "call_id": asked_by,
            "session_id": ids.gather(draft.session[row]),
            "kind": words_of(TOOL_KINDS, tools.kind[picked]),
            "started_at": instants(started_s, batch.start_day),
            "duration_s": duration_s,
            "ok": tools.ok[picked],
        }
    ).with_columns(surface=pl.lit(batch.surface.value), source_id=pl.lit(batch.source_id), day=pl.lit(day))


def sessions(batch: Batch) -> pl.DataFrame:
    """All sessions of the batch."""
    draft, played, clients = batch.draft, batch.played, batch.clients
    last = draft.first_row + played.played_count - 1
    whole = draft.escalated & (played.played_count == draft.row_count)
    outcome = np.select([played.abandoned, whole], [1, 2], 0)
    return pl.DataFrame(
        {
            "session_id": batch.session_ids,
            "tenant_id": numbered(f"{PREFIXES[batch.surface]}-tenant-", clients.tenant[draft.client]),
            "client_id": clients.client_ids.gather(draft.client),
            "region": words_of(tuple(region.name for region in REGIONS), clients.region[draft.client]),
            "service_tier": words_of(SERVICE_TIERS, clients.tier[draft.client]),
            "started_at": instants(draft.start_s, batch.start_day),
            "ended_at": instants(played.requested_s[last] + played.duration_s[last], batch.start_day),
            "turn_count": draft.turn[last] + 1,
            "call_count": played.played_count,
            "outcome": words_of(OUTCOMES, outcome),
            "paid": clients.paid[draft.client],
        }
    ).with_columns(surface=pl.lit(batch.surface.value), source_id=pl.lit(batch.source_id), day=pl.lit(batch.start_day))


def _finish(batch: Batch, rows: Ints) -> Ints:
    fate = batch.played.fate[rows]
    done = np.where(batch.draft.asks_tools[rows], 1, 0)
    return np.select([fate == SERVED, fate == CANCELLED], [done, 2], -1)


def _subagent_span_s(batch: Batch, row: Ints, end_s: Floats) -> Floats:
    """From the end of the asking call to the end of the sub-agent's last call that was requested."""
    draft = batch.draft
    session = draft.session[row]
    mine = draft.is_subagent & batch.requested()
    last = np.full(len(draft.client), ROOT, np.int64)
    sub_rows = np.flatnonzero(mine)
    np.maximum.at(last, draft.session[sub_rows], sub_rows)
    return np.where(last[session] == ROOT, 0.0, np.maximum(end_s[last[session]] - end_s[row], 0.0))
