"""Which replica of a pool a call goes to, where calls can be on a replica without waiting or running there."""

from collections.abc import Sequence

from hwmodel.serving.engine import AFFINITY_SLACK_PERCENT, Router
from hwmodel.serving.reference.request import Request


def load_of(*queues: Sequence[Request]) -> int:
    """Tokens of calls on a replica."""
    return sum(r.input_tokens + r.output_tokens for queue in queues for r in queue)


def routed(request: Request, loads: list[int], home: int, router: Router, turn: int) -> int:
    """The replica, from 0.

    Args:
        request: What goes there.
        loads: By replica.
        home: Where its prefix was served; negative for nowhere.
        router: The rule.
        turn: How many were routed before.
    """
    if router is Router.ROUND_ROBIN:
        return turn % len(loads)
    lightest = loads.index(min(loads))
    if router is Router.LEAST_LOADED or home < 0:
        return lightest
    own = request.input_tokens + request.output_tokens
    return home if 100 * (loads[home] - own) <= AFFINITY_SLACK_PERCENT * loads[lightest] else lightest
