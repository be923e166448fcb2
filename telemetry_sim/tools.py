"""Which tools an agent's calls run, how long those take, and which fail."""

import numpy as np

from telemetry_sim.draft import ToolDraft
from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import TOOL_KINDS, AgentLoop

AGENT_TOOL = TOOL_KINDS.index("agent")


def draw_tools(
    rng: np.random.Generator, loop: AgentLoop, phase: Codes, failed: Bools, asks: Bools, spawns: Bools
) -> ToolDraft:
    """Tool calls of all rows.

    Args:
        rng: Random numbers of this block and day.
        loop: Parameters of the agent.
        phase: Phase of each row.
        failed: Rows whose first tool fails.
        asks: Rows that run tools; each runs one, and more in parallel with chance `extra_tool_ratio`.
        spawns: Rows that start a sub-agent: their only tool is that agent, its time is known after the play.
    """
    asking = np.flatnonzero(asks)
    counts = rng.geometric(1.0 - loop.extra_tool_ratio, len(asking))
    counts[spawns[asking]] = 1
    row = np.repeat(asking, counts)
    kind = _kinds(rng, loop, phase[row])
    duration_s = _durations(rng, loop, kind)
    is_agent = spawns[row]
    kind[is_agent] = AGENT_TOOL
    duration_s[is_agent] = np.nan
    is_first = np.ones(len(row), dtype=np.bool_)
    is_first[1:] = row[1:] != row[:-1]
    return ToolDraft(row=row, kind=kind, duration_s=duration_s, ok=~(failed[row] & is_first))


def slowest_tool_s(tools: ToolDraft, row_count: int) -> Floats:
    """Time that each row's tools take: they run in parallel. 0 for rows without tools and for sub-agents."""
    slowest = np.zeros(row_count)
    np.maximum.at(slowest, tools.row, np.nan_to_num(tools.duration_s))
    return slowest


def _kinds(rng: np.random.Generator, loop: AgentLoop, phase: Codes) -> Codes:
    ladder = np.cumsum(loop.tool_share_ratio, axis=1)
    ladder = (ladder / ladder[:, -1:] + np.arange(len(ladder))[:, None]).ravel()
    columns = len(loop.tool_median_s)
    place = np.searchsorted(ladder, phase + rng.random(len(phase)), side="right")
    return np.clip(place - phase.astype(np.int64) * columns, 0, columns - 1).astype(np.int8)


def _durations(rng: np.random.Generator, loop: AgentLoop, kind: Codes) -> Floats:
    normals = rng.standard_normal(len(kind))
    usual_s = np.asarray(loop.tool_median_s)[kind] * np.exp(np.asarray(loop.tool_sigma_ratio)[kind] * normals)
    slow = rng.random(len(kind)) < np.asarray(loop.tool_slow_ratio)[kind]
    return np.where(slow, loop.slow_tool.times_s(normals), usual_s)


def spawning_rows(session_first_row: Ints, spawn_step: Ints, rows: int) -> Bools:
    """Rows that start a sub-agent."""
    spawns = np.zeros(rows, dtype=np.bool_)
    spawns[(session_first_row + spawn_step)[spawn_step >= 0]] = True
    return spawns
