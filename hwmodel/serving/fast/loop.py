"""The replay loop: steps end, users come and go, and idle replicas put their next step together."""

from hwmodel.serving.engine import Outcome
from hwmodel.serving.fast import decoders
from hwmodel.serving.fast.agenda import next_event_ns
from hwmodel.serving.fast.coast import coast
from hwmodel.serving.fast.counting import count
from hwmodel.serving.fast.events import ends, happen
from hwmodel.serving.fast.jit import compiled, inlined
from hwmodel.serving.fast.moves import vacate
from hwmodel.serving.fast.records import AWAY, IDLE_NS, PROMPTED
from hwmodel.serving.fast.schedule import NOTHING, ONE_BY_ONE, schedule
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.serving.step_log import log_step


@inlined
def run(m: Machine) -> None:
    """Replay all calls; what happened to them is in `m.calls` afterwards."""
    while True:
        now = next_event_ns(m)
        for replica in range(m.step_end_ns.size):
            now = min(now, m.step_end_ns[replica])
        if now > m.limits.horizon_ns:
            return
        for replica in range(m.step_end_ns.size):
            if m.step_end_ns[replica] == now:
                _end_step(m, replica, now)
        while next_event_ns(m) <= now:
            happen(m, now)
        for replica in range(m.step_end_ns.size):
            if m.step_end_ns[replica] == IDLE_NS:
                _begin_step(m, replica, now)
        _coast_alone(m)


@inlined
def _coast_alone(m: Machine) -> None:
    """Let the replica whose step ends first go on by itself until anything else may happen.

    Not where steps are logged: those are begun one by one, in order of time over all replicas.
    """
    if m.log.rows.shape[0] > 0:
        return
    first, others_ns = -1, min(next_event_ns(m), m.limits.horizon_ns + 1)
    for replica in range(m.step_end_ns.size):
        if first < 0 or m.step_end_ns[replica] < m.step_end_ns[first]:
            others_ns = others_ns if first < 0 else min(others_ns, m.step_end_ns[first])
            first = replica
        else:
            others_ns = min(others_ns, m.step_end_ns[replica])
    is_decoding = m.replicas[first].decoding > 0 and m.replicas[first].decoding == m.replicas[first].running
    if is_decoding and m.replicas[first].waiting == 0 and m.step_end_ns[first] < others_ns:
        coast(m, first, others_ns)


@inlined
def _begin_step(m: Machine, replica: int, now: int) -> None:
    while m.replicas[replica].running + m.replicas[replica].waiting > 0:
        how = schedule(m, replica, now)
        if how == NOTHING:
            continue
        features = _features(m, replica, how)
        duration = step_ns(m.cost, features)
        m.step_end_ns[replica] = now + duration
        m.replicas[replica].busy_ns += duration
        m.clock[0].steps += 1
        m.clock[0].computed_tokens += features.chunk_tokens + features.decoding
        if m.bins.steps.size > 0:
            count(m, replica, duration, features)
        if m.log.rows.shape[0] > 0:
            log_step(m.log, now, duration, replica, features)
        return


@inlined
def _features(m: Machine, replica: int, how: int) -> StepFeatures:
    if how == ONE_BY_ONE:
        decoding, decode_kv, longest_kv = m.clock[0].decoding, m.clock[0].decode_kv, m.clock[0].longest_kv
    else:
        decoding = m.replicas[replica].decoding
        decode_kv = m.replicas[replica].base_sum + decoding * m.replicas[replica].step
        longest_kv = decoders.longest_context(m, replica) if m.limits.wants_longest else 0
    return StepFeatures(
        m.clock[0].chunk_tokens,
        m.clock[0].chunk_squares,
        m.clock[0].prompt_count,
        m.clock[0].prompt_context,
        m.clock[0].prompt_kv,
        decoding + m.replicas[replica].done_size,
        decoding,
        decode_kv,
        longest_kv,
        0,
    )


@inlined
def _end_step(m: Machine, replica: int, now: int) -> None:
    """Hand out the step's tokens: decoding calls end or go on, finished prompts start to decode."""
    count = decoders.finishers(m, replica)
    for at in range(count):
        call = m.finishing[at]
        m.calls[call].generated_tokens = m.calls[call].output_tokens
        finish(m, replica, call, now)
    for at in range(m.replicas[replica].done_size):
        call = m.done[replica, at]
        if m.calls[call].place == PROMPTED and m.calls[call].replica == replica:
            _first_token(m, replica, call, now)
    m.step_end_ns[replica] = IDLE_NS
    m.replicas[replica].step += 1


@inlined
def _first_token(m: Machine, replica: int, call: int, now: int) -> None:
    if m.calls[call].first_ns < 0:
        m.calls[call].first_ns = now
    m.calls[call].generated_tokens += 1
    if m.calls[call].generated_tokens == m.calls[call].output_tokens:
        finish(m, replica, call, now)
    else:
        decoders.enter(m, replica, call, m.calls[call].computed_tokens, m.replicas[replica].step + 1)


@compiled
def finish(m: Machine, replica: int, call: int, now: int) -> None:
    """A call has all its tokens."""
    vacate(m, replica, call, comes_back=False)
    m.calls[call].generated_tokens = m.calls[call].output_tokens
    m.replicas[replica].load_tokens -= m.calls[call].input_tokens + m.calls[call].output_tokens
    m.calls[call].place = AWAY
    ends(m, call, Outcome.DONE, now)
