"""What the compiled replay keeps of a call, of its part on a replica, and of a replica."""

import numpy as np

NOTHING, COPY = -1, -2
"""Content of a block: none that can be found; one that another block already tells."""
REQUEST, ARRIVE, KINDS = 0, 3, 4
IDLE_NS = 2**63 - 1


def _integers(*names: str) -> np.dtype:
    return np.dtype([(name, np.int64) for name in names])


CALL = _integers(
    # what is asked
    "gap_ns",
    "parent",
    "owner",
    "shared_blocks",
    "key_at",  # of its first block, in `keys`; contents are numbered likewise
    "first_follower",
    "next_follower",
    # what happened
    "is_attached",
    "outcome",
    "first_ns",
    "last_ns",
    "room_ns",
    "arrived_ns",
    "ready_tokens",  # of the prompt, on the prefill side, its step over
    "sent_to",
    "sent_tokens",
    "from_host",  # blocks of the load under way
    "loaded_blocks",
    "host_tokens",
)
"""One call."""

PART = _integers(
    "input_tokens",
    "output_tokens",
    "loaded_tokens",
    "priority",
    "table_at",  # of its first block, in `table`; state blocks come after the most blocks it may have
    "state_at",
    "requested_ns",
    "scheduled_ns",
    "cached_tokens",
    "preemptions_count",
    "generated_tokens",
    "computed_tokens",
    "is_decoding",
    "blocks",
    "kept",  # blocks whose content was told
    "share",  # tokens in the step under way
    "found_tokens",  # of a load under way: need not be computed
    "replica",
    "before",  # in the queue that it is in
    "behind",
)
"""A call on a prefill replica (number of the call) or on a decode replica (that plus the count of calls)."""

REPLICA = _integers(
    "max_sequences",
    "max_batched_tokens",
    "free_blocks",
    "running",
    "first_waiting",
    "last_waiting",
    "first_arrived",
    "last_arrived",
    "load_tokens",
    "step_end_ns",
    "began_ns",
    "busy_ns",
    "link_free_ns",
    "in_host",  # contents in its host memory
)
"""A replica, prefill ones first."""

CLOCK = _integers("events_size", "prefill_turn", "decode_turn", "steps", "computed_tokens", "given_size", "done_size")
"""What there is one of."""
