"""The walk of an agent through its phases: turns, failures, repairs, giving up, and where a sub-agent works."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import PHASES, AgentLoop

READ_CONTEXT, EDIT, TEST, OBSERVE, REPAIR, EXPLAIN = (
    PHASES.index(phase) for phase in ("read_context", "edit", "test", "observe", "repair", "explain")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Columns over rows, then over sessions."""

    turn: Ints
    phase: Codes
    failed: Bools
    """Whether the tools that this row asks for fail."""
    asks_tools: Bools
    starts_turn: Bools
    kept_count: Ints
    """Rows that a session keeps: an agent that gives up ends early."""
    escalated: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class SubagentPlan:
    """Columns over sessions: the step that starts a sub-agent (-1: none) and how many rows the sub-agent has."""

    spawn_step: Ints
    row_count: Ints

    def is_subagent(self, session: Ints, step: Ints) -> Bools:
        """Which rows belong to a sub-agent."""
        spawn = self.spawn_step[session]
        return np.asarray((spawn >= 0) & (step > spawn) & (step <= spawn + self.row_count[session]), dtype=np.bool_)


def walk_phases(
    rng: np.random.Generator, loop: AgentLoop, first_row: Ints, row_count: Ints, subagents: SubagentPlan
) -> Walk:
    """Phases of all rows as a Markov chain per session, overridden by failures.

    A failed edit goes to repair, a failed test to observe and then repair, a failed repair to another repair. The
    last call of a turn explains and asks for no tool. After `give_up_after_count` repairs in a row the agent may
    hand back to a human, which ends the session as escalated.
    """
    rows = int(row_count.sum())
    turn, phase, failed, asks, starts, kept, escalated = _walk(
        first_row,
        row_count,
        subagents.spawn_step,
        subagents.row_count,
        loop.turn_length.counts(rng.standard_normal(rows)),
        rng.random(rows),
        rng.random(rows),
        rng.random(rows),
        np.cumsum(loop.opening_ratio),
        np.cumsum(loop.transition_ratio, axis=1),
        np.asarray(loop.failure_ratio),
        loop.give_up_after_count,
        loop.give_up_ratio,
    )
    return Walk(
        turn=turn, phase=phase, failed=failed, asks_tools=asks, starts_turn=starts, kept_count=kept, escalated=escalated
    )


@njit(cache=True)
def _walk(  # noqa: C901, PLR0912 - one state machine in one compiled loop
    first_row: Ints,
    row_count: Ints,
    spawn_step: Ints,
    subagent_rows: Ints,
    turn_length: Ints,
    u_next: Floats,
    u_fail: Floats,
    u_give_up: Floats,
    opening: Floats,
    transition: Floats,
    failure: Floats,
    give_up_after: int,
    give_up_ratio: float,
) -> tuple[Ints, Codes, Bools, Bools, Bools, Ints, Bools]:
    rows, sessions = len(turn_length), len(first_row)
    turn, phase = np.zeros(rows, np.int64), np.full(rows, READ_CONTEXT, np.int8)
    failed, asks, starts = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    kept, escalated = row_count.copy(), np.zeros(sessions, np.bool_)
    last_phase = len(opening) - 1
    for s in range(sessions):
        now_turn, left, before, repairs, must_repair = -1, 0, READ_CONTEXT, 0, False
        for step in range(row_count[s]):
            row = first_row[s] + step
            spawn = spawn_step[s]
            if spawn >= 0 and spawn < step <= spawn + subagent_rows[s]:
                turn[row], asks[row] = now_turn, step < spawn + subagent_rows[s]
                continue
            opens = left == 0
            if opens:
                now_turn += 1
                left = turn_length[row]
                starts[row], repairs, must_repair = True, 0, False
            if step == spawn:
                left = max(left, 2)
            turn[row] = now_turn
            left -= 1
            if left == 0 or step == row_count[s] - 1:
                phase[row] = EXPLAIN
                before = EXPLAIN
                continue
            if opens:
                chosen = READ_CONTEXT if now_turn == 0 else min(np.searchsorted(opening, u_next[row]), last_phase)
            elif must_repair and before != TEST:
                chosen = REPAIR
            elif must_repair:
                chosen = OBSERVE
            else:
                chosen = min(np.searchsorted(transition[before], u_next[row]), last_phase)
            phase[row], asks[row] = chosen, True
            failed[row] = u_fail[row] < failure[chosen]
            if chosen == REPAIR:
                repairs += 1
                if repairs >= give_up_after and u_give_up[row] < give_up_ratio:
                    phase[row], asks[row], failed[row] = EXPLAIN, False, False
                    kept[s], escalated[s] = step + 1, True
                    break
            if chosen in (EDIT, TEST, REPAIR):
                must_repair = failed[row]
                if chosen == TEST and not must_repair:
                    repairs = 0
            before = chosen
    return turn, phase, failed, asks, starts, kept, escalated
