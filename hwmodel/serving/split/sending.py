"""When what a prefill replica sends is all sent; the same for both replays, also inside compiled loops."""

import math

from numba import njit

from hwmodel.serving.split.settings import LinkTimes


@njit(nogil=True, cache=True)
def sending_ns(link: LinkTimes, tokens: int, sequences: int) -> int:
    """The time that a link is taken by the cache of so many tokens and the states of so many sequences."""
    return math.ceil(tokens * link.ns_per_token + sequences * link.ns_per_sequence)


@njit(nogil=True, cache=True)
def sent_after(link: LinkTimes, free_ns: int, now: int, tokens: int, sequences: int) -> int:
    """End of a transfer whose cache is all there at `now`, on a link that others take until `free_ns`."""
    return max(free_ns, now) + sending_ns(link, tokens, sequences)


@njit(nogil=True, cache=True)
def sent_along(link: LinkTimes, free_ns: int, room_ns: int, began: int, now: int, tokens: int, sequences: int) -> int:
    """End of a transfer that went along with the step, from `began` to `now`, that computed its cache.

    A step computes layer after layer, each as long as the other. The first layer can go when it is computed, the
    receivers have room (from `room_ns` on) and the link is free; the last layer not before the step is over.
    """
    whole = sending_ns(link, tokens, sequences)
    first_layer = began + -(-(now - began) // link.layers)
    start = max(free_ns, room_ns, first_layer)
    return max(start + whole, now + -(-whole // link.layers))
