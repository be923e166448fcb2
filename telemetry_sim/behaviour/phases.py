"""The walk of an agent through its phases: turns, interrupts, failures, repairs, retries, and its sub-agent's rows."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import FAILED, INTERRUPTED, REFUSED, SERVED
from telemetry_sim.behaviour.draws import (
    CALL_FATE,
    GIVES_UP,
    INTERRUPT_PLACE,
    NEXT_PHASE,
    PHASE_FAILS,
    TURN_LENGTH,
)
from telemetry_sim.behaviour.draws import INTERRUPTED as IS_INTERRUPTED
from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import PHASES, AgentLoop
from telemetry_sim.streams import Keys, normal_draw, unit_draw

READ_CONTEXT, EDIT, TEST, OBSERVE, REPAIR, EXPLAIN = (
    PHASES.index(phase) for phase in ("read_context", "edit", "test", "observe", "repair", "explain")
)
GOES_ON, OPENS, OPENS_AFTER_CUT = 0, 1, 2
"""How a row begins: inside its turn, with a human's request, with a human's word after an interrupt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Columns over rows, then over sessions."""

    turn: Ints
    phase: Codes
    failed: Bools
    """Whether the tools that this row asks for fail."""
    asks_tools: Bools
    begins: Codes
    fate: Codes
    attempt: Codes
    """How often this request was tried before."""
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
    loop: AgentLoop, error_ratio: float, row_key: Keys, first_row: Ints, row_count: Ints, subagents: SubagentPlan
) -> Walk:
    """Phases of all rows as a Markov chain per session, overridden by failures.

    A failed edit goes to repair, a failed test to observe and then repair, a failed repair to another repair. The
    last call of a turn explains and asks for no tool, unless the user cuts a call of the turn: then the turn ends
    there. A call that the server refuses or fails is tried again. After `give_up_after_count` repairs in a row the
    agent may hand back to a human, which ends the session as escalated.
    """
    columns = _walk(
        row_key,
        first_row,
        row_count,
        subagents.spawn_step,
        subagents.row_count,
        np.array([loop.turn_length.median_count, loop.turn_length.sigma_ratio]),
        np.cumsum(loop.opening_ratio),
        np.cumsum(loop.transition_ratio, axis=1),
        np.asarray(loop.failure_ratio),
        loop.give_up_after_count,
        loop.give_up_ratio,
        loop.interrupt_ratio,
        error_ratio,
        loop.limited_ratio,
    )
    turn, phase, failed, asks, begins, fate, attempt, kept, escalated = columns
    return Walk(
        turn=turn,
        phase=phase,
        failed=failed,
        asks_tools=asks,
        begins=begins,
        fate=fate,
        attempt=attempt,
        kept_count=kept,
        escalated=escalated,
    )


@njit(cache=True, nogil=True)
def _walk(  # noqa: C901, PLR0912, PLR0915 - one state machine in one compiled loop
    row_key: Keys,
    first_row: Ints,
    row_count: Ints,
    spawn_step: Ints,
    subagent_rows: Ints,
    turn_law: Floats,
    opening: Floats,
    transition: Floats,
    failure: Floats,
    give_up_after: int,
    give_up_ratio: float,
    interrupt_ratio: float,
    error_ratio: float,
    limited_ratio: float,
) -> tuple[Ints, Codes, Bools, Bools, Codes, Codes, Codes, Ints, Bools]:
    rows, sessions = len(row_key), len(first_row)
    turn, phase = np.zeros(rows, np.int64), np.full(rows, READ_CONTEXT, np.int8)
    failed, asks, begins = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_), np.zeros(rows, np.int8)
    fate, attempt = np.zeros(rows, np.int8), np.zeros(rows, np.int8)
    kept, escalated = row_count.copy(), np.zeros(sessions, np.bool_)
    last_phase = len(opening) - 1
    for s in range(sessions):
        now_turn, left, before, repairs, must_repair = -1, 0, READ_CONTEXT, 0, False
        cut, after_cut, tries, chosen = False, False, 0, READ_CONTEXT
        spawn, last_step = spawn_step[s], row_count[s] - 1
        for step in range(row_count[s]):
            row = first_row[s] + step
            key = row_key[row]
            if spawn >= 0 and spawn < step <= spawn + subagent_rows[s]:
                is_last = step == spawn + subagent_rows[s]
                turn[row], attempt[row], tries = now_turn, tries, 0
                if not is_last and unit_draw(key, CALL_FATE) < error_ratio:
                    fate[row], tries = FAILED, attempt[row] + 1
                asks[row] = not is_last and fate[row] == SERVED
                continue
            opens = left == 0
            if opens:
                now_turn += 1
                left = int(max(turn_law[0] * np.exp(turn_law[1] * normal_draw(key, TURN_LENGTH)), 1.0))
                begins[row] = OPENS_AFTER_CUT if after_cut else OPENS
                repairs, must_repair, after_cut = 0, False, False
                cut = unit_draw(key, IS_INTERRUPTED) < interrupt_ratio
                if cut:
                    left = 1 + int(unit_draw(key, INTERRUPT_PLACE) * left)
            if step == spawn:
                left = max(left, 2)
            turn[row], attempt[row] = now_turn, tries
            cut = cut and step < last_step
            if (left == 1 and not cut) or step == last_step:
                chosen = EXPLAIN
            elif tries > 0 and chosen != EXPLAIN:
                pass
            elif opens:
                drawn = min(int(np.searchsorted(opening, unit_draw(key, NEXT_PHASE))), last_phase)
                chosen = READ_CONTEXT if now_turn == 0 else drawn
            elif must_repair:
                chosen = OBSERVE if before == TEST else REPAIR
            else:
                chosen = min(int(np.searchsorted(transition[before], unit_draw(key, NEXT_PHASE))), last_phase)
            phase[row] = chosen
            if left == 1 and cut:
                fate[row], left, cut, after_cut, tries = INTERRUPTED, 0, False, True, 0
                before = chosen
                continue
            if step != spawn:
                u_fate = unit_draw(key, CALL_FATE)
                if u_fate < error_ratio + limited_ratio:
                    fate[row], tries = FAILED if u_fate < error_ratio else REFUSED, min(tries + 1, 6)
                    continue
            tries = 0
            left -= 1
            if chosen == EXPLAIN:
                left, before = 0, EXPLAIN
                continue
            asks[row] = True
            failed[row] = unit_draw(key, PHASE_FAILS) < failure[chosen]
            if chosen == REPAIR:
                repairs += 1
                if repairs >= give_up_after and unit_draw(key, GIVES_UP) < give_up_ratio:
                    phase[row], asks[row], failed[row] = EXPLAIN, False, False
                    kept[s], escalated[s] = step + 1, True
                    break
            if chosen in (EDIT, TEST, REPAIR):
                must_repair = failed[row]
                if chosen == TEST and not must_repair:
                    repairs = 0
            before = chosen
    return turn, phase, failed, asks, begins, fate, attempt, kept, escalated
