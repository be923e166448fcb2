"""The replay loop with drafts: as that of `fast`, but every decoding call is looked at in every step."""

from hwmodel.serving.engine.speculation import accepted_drafts
from hwmodel.serving.fast.agenda import next_event_ns
from hwmodel.serving.fast.events import happen
from hwmodel.serving.fast.jit import inlined
from hwmodel.serving.fast.loop import finish
from hwmodel.serving.fast.records import IDLE_NS, PROMPTED, VERIFYING
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.speculative.drafting import Drafting
from hwmodel.serving.speculative.schedule import schedule
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.serving.step_log import log_step


@inlined
def run(m: Machine, d: Drafting) -> None:
    """Replay all calls; what happened to them is in `m.calls` afterwards, what became of drafts in `d.counts`."""
    while True:
        now = next_event_ns(m)
        for replica in range(m.step_end_ns.size):
            now = min(now, m.step_end_ns[replica])
        if now > m.limits.horizon_ns:
            return
        for replica in range(m.step_end_ns.size):
            if m.step_end_ns[replica] == now:
                _end_step(m, d, replica, now)
        while next_event_ns(m) <= now:
            happen(m, now)
        for replica in range(m.step_end_ns.size):
            if m.step_end_ns[replica] == IDLE_NS:
                _begin_step(m, d, replica, now)


@inlined
def _begin_step(m: Machine, d: Drafting, replica: int, now: int) -> None:
    while m.replicas[replica].running + m.replicas[replica].waiting > 0:
        if not schedule(m, d, replica, now):
            continue
        features = _features(m, d, replica)
        duration = step_ns(m.cost, features)
        m.step_end_ns[replica] = now + duration
        m.replicas[replica].busy_ns += duration
        m.clock[0].steps += 1
        m.clock[0].computed_tokens += features.chunk_tokens + features.decoding + features.draft_tokens
        if m.log.rows.shape[0] > 0:
            log_step(m.log, now, duration, replica, features)
        return


@inlined
def _features(m: Machine, d: Drafting, replica: int) -> StepFeatures:
    return StepFeatures(
        m.clock[0].chunk_tokens,
        m.clock[0].chunk_squares,
        m.clock[0].prompt_count,
        m.clock[0].prompt_context,
        m.clock[0].prompt_kv,
        m.clock[0].decoding + m.replicas[replica].done_size,
        m.clock[0].decoding,
        m.clock[0].decode_kv,
        m.clock[0].longest_kv,
        d.step[0],
    )


@inlined
def _end_step(m: Machine, d: Drafting, replica: int, now: int) -> None:
    """Hand out the step's tokens in order of admission; rejected drafts are rolled back by not being counted."""
    call = m.replicas[replica].first_running
    while call >= 0:
        following = m.calls[call].next_running
        if m.calls[call].place == VERIFYING:
            if m.calls[call].is_scheduled > 0:
                _verified(m, d, replica, call, now)
        elif m.calls[call].place == PROMPTED:
            _first_token(m, replica, call, now)
        call = following
    m.step_end_ns[replica] = IDLE_NS


@inlined
def _verified(m: Machine, d: Drafting, replica: int, call: int, now: int) -> None:
    drafts, generated = m.calls[call].is_scheduled - 1, m.calls[call].generated_tokens
    accepted = accepted_drafts(d.chances, d.seed, call, generated, drafts)
    m.calls[call].generated_tokens = generated + 1 + accepted
    m.calls[call].is_scheduled = 0
    d.counts[0] += 1
    d.counts[1] += drafts
    d.counts[2] += accepted
    if generated + 1 + accepted == m.calls[call].output_tokens:
        finish(m, replica, call, now)


@inlined
def _first_token(m: Machine, replica: int, call: int, now: int) -> None:
    if m.calls[call].first_ns < 0:
        m.calls[call].first_ns = now
    m.calls[call].generated_tokens += 1
    m.calls[call].place = VERIFYING
    m.calls[call].is_scheduled = 0
    if m.calls[call].generated_tokens == m.calls[call].output_tokens:
        finish(m, replica, call, now)
