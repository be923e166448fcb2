"""Which tools an agent's calls run, how long those take, and which fail."""

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import ToolDraft
from telemetry_sim.behaviour.draws import TOOL_COUNT, TOOL_IS_SLOW, TOOL_KIND, TOOL_TIME, TOOLS
from telemetry_sim.laws import Bools, Codes, Floats, Ints, drawn_value
from telemetry_sim.parameters import TOOL_KINDS, AgentLoop
from telemetry_sim.streams import Keys, child_key, normal_draw, uniforms, unit_draw

AGENT_TOOL = TOOL_KINDS.index("agent")
MAX_TOOLS = 64
"""No call runs more tools in parallel."""


def draw_tools(
    loop: AgentLoop, row_key: Keys, phase: Codes, failed: Bools, asks: Bools, spawns: Bools
) -> tuple[ToolDraft, Floats]:
    """Tool calls of all rows, and the time of each row's slowest one: tools of a row run in parallel.

    Args:
        loop: Parameters of the agent.
        row_key: Stream of each row.
        phase: Phase of each row.
        failed: Rows whose first tool fails.
        asks: Rows that run tools; each runs one, and more in parallel with chance `extra_tool_ratio`.
        spawns: Rows that start a sub-agent: their only tool is that agent, its time is known after the play and its
            slowest time here is 0.
    """
    asking = np.flatnonzero(asks)
    if loop.extra_tool_ratio > 0.0:
        more = np.log(uniforms(row_key[asking], int(TOOL_COUNT))) / np.log(loop.extra_tool_ratio)
        counts = np.minimum(1 + more.astype(np.int64), MAX_TOOLS)
    else:
        counts = np.ones(len(asking), np.int64)
    counts[spawns[asking]] = 1
    row = np.repeat(asking, counts)
    kind, duration_s, ok, slowest_s = _run(
        row,
        row_key,
        phase,
        failed,
        spawns,
        np.cumsum(loop.tool_share_ratio, axis=1),
        np.log(np.asarray(loop.tool_median_s)),
        np.asarray(loop.tool_sigma_ratio),
        np.asarray(loop.tool_slow_ratio),
        loop.slow_tool.log_table(),
    )
    return ToolDraft(row=row, kind=kind, duration_s=duration_s, ok=ok), slowest_s


@njit(cache=True, nogil=True)
def _run(
    rows: Ints,
    row_key: Keys,
    phase: Codes,
    failed: Bools,
    spawns: Bools,
    ladder: Floats,
    log_median_s: Floats,
    sigma: Floats,
    slow_ratio: Floats,
    slow_table: Floats,
) -> tuple[Codes, Floats, Bools, Floats]:
    kind, duration_s = np.empty(len(rows), np.int8), np.empty(len(rows))
    ok, slowest_s = np.ones(len(rows), np.bool_), np.zeros(len(row_key))
    before, place = -1, 0
    for tool in range(len(rows)):
        row = rows[tool]
        place = place + 1 if row == before else 0
        before = row
        ok[tool] = not (failed[row] and place == 0)
        if spawns[row]:
            kind[tool], duration_s[tool] = AGENT_TOOL, np.nan
            continue
        key = child_key(row_key[row], np.uint64(TOOLS + place))
        steps = ladder[phase[row]]
        chosen = min(int(np.searchsorted(steps, unit_draw(key, TOOL_KIND) * steps[-1])), len(steps) - 1)
        normal = normal_draw(key, TOOL_TIME)
        if unit_draw(key, TOOL_IS_SLOW) < slow_ratio[chosen]:
            time_s = drawn_value(slow_table, normal)
        else:
            time_s = np.exp(log_median_s[chosen] + sigma[chosen] * normal)
        kind[tool], duration_s[tool] = chosen, time_s
        slowest_s[row] = max(slowest_s[row], time_s)
    return kind, duration_s, ok, slowest_s


def spawning_rows(session_first_row: Ints, spawn_step: Ints, rows: int) -> Bools:
    """Rows that start a sub-agent."""
    spawns = np.zeros(rows, dtype=np.bool_)
    spawns[(session_first_row + spawn_step)[spawn_step >= 0]] = True
    return spawns
