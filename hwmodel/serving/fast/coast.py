"""Steps in which nothing but decoding happens, one after the other without a look at anything else."""

from hwmodel.serving.fast import decoders
from hwmodel.serving.fast.counting import count
from hwmodel.serving.fast.jit import inlined
from hwmodel.serving.fast.queue import take
from hwmodel.serving.fast.records import WHEEL_SLOTS
from hwmodel.serving.fast.state import Machine
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures


@inlined
def coast(m: Machine, replica: int, until_ns: int) -> None:
    """End steps of a replica and begin the next ones while no call ends, none waits and the room suffices.

    Args:
        m: The machine; the replica is in a step that has no prompt, and no call waits there.
        replica: Its number.
        until_ns: Steps that end at this time or later are left alone.
    """
    decoding = m.replicas[replica].decoding
    base_sum, step, end = m.replicas[replica].base_sum, m.replicas[replica].step, m.step_end_ns[replica]
    ahead = decoders.longest_context(m, replica) - step if m.limits.wants_longest else 0
    phase = (-step) % m.limits.block_tokens
    began, busy = step, 0
    while end < until_ns and m.wheel[replica, step % WHEEL_SLOTS] < 0:
        phase = phase - 1 if phase > 0 else m.limits.block_tokens - 1
        need = m.phases[replica, phase]
        if need > m.replicas[replica].free_blocks:
            break
        if need > 0:
            take(m, replica, need)
        step += 1
        longest = ahead + step if m.limits.wants_longest else 0
        features = StepFeatures(0, 0, 0, 0, 0, decoding, decoding, base_sum + decoding * step, longest, 0)
        duration = step_ns(m.cost, features)
        if m.bins.steps.size > 0:
            m.replicas[replica].step = step
            count(m, replica, duration, features)
        busy += duration
        end += duration
    m.replicas[replica].step = step
    m.step_end_ns[replica] = end
    m.replicas[replica].busy_ns += busy
    m.clock[0].steps += step - began
    m.clock[0].computed_tokens += (step - began) * decoding
