"""What the compiled replay keeps of a call, a replica, a segment of the free queue, and the whole."""

import numpy as np

AWAY, WAITING, PARTIAL, PROMPTED, DECODING, VERIFYING = 0, 1, 2, 3, 4, 5
"""Where a call is: not on a replica, in the queue, prompt under way, prompt done with the step under way, decoding in
the lump, decoding by itself with drafts."""
IDLE_NS = 2**63 - 1
WHEEL_SLOTS = 1024
MOST_WATCHED = 256
"""Calls whose leaving waits outside the heap; each that is due costs a look at all of them."""
MOST_PRIORITY = 63
"""Priorities above this count as this."""

CALL = np.dtype(
    [
        # what is asked; see EngineCalls
        ("start_ns", np.int64),
        ("gap_ns", np.int64),
        ("input_tokens", np.int32),
        ("output_tokens", np.int32),
        ("loaded_tokens", np.int32),
        ("priority", np.int32),
        ("patience_ns", np.int64),
        ("stop_ns", np.int64),
        ("retries_count", np.int32),
        ("backoff_ns", np.int64),
        ("parent", np.int32),
        ("owner", np.int32),
        ("shared_blocks", np.int32),
        ("first_run", np.int32),  # first run of blocks that is its own
        ("first_follower", np.int32),
        ("next_follower", np.int32),
        ("surface", np.int32),
        # what happened; see CallTimes
        ("outcome", np.int32),
        ("requested_ns", np.int64),
        ("scheduled_ns", np.int64),
        ("first_ns", np.int64),
        ("last_ns", np.int64),
        ("generated_tokens", np.int32),  # of a decoding call: as it was when decoding began
        ("cached_tokens", np.int32),
        ("preemptions_count", np.int32),
        ("replica", np.int32),
        ("attempts_count", np.int32),
        # where it is
        ("place", np.int32),
        ("computed_tokens", np.int32),  # of a prompt under way; with drafts: tokens whose blocks can be found
        ("blocks", np.int32),  # held, those of its prefix included; of a prompt under way, or with drafts
        ("base", np.int64),  # of a decoding call: context less the number of the step
        ("finish_step", np.int64),
        ("stops_at_ns", np.int64),
        ("watched_at", np.int32),  # position among those that may leave, or -1
        ("stalled_step", np.int64),  # last step in which it got no token
        ("order", np.int64),  # of admission
        ("leaf_segment", np.int32),  # of its own last run, in the free queue
        ("is_scheduled", np.int32),  # in the step being made; with drafts: tokens in the step under way
        ("prev_running", np.int32),
        ("next_running", np.int32),
        ("prev_waiting", np.int32),
        ("next_waiting", np.int32),
        ("prev_finishing", np.int32),
        ("next_finishing", np.int32),
    ],
    align=True,
)
"""One call, as asked and as served."""

REPLICA = np.dtype(
    [
        ("step", np.int64),  # number of the step under way, or of the next one
        ("busy_ns", np.int64),
        ("load_tokens", np.int64),  # of calls waiting or running, for the router
        ("free_blocks", np.int64),
        ("oldest", np.int64),  # segment of the free queue that is taken from next
        ("newest", np.int64),
        ("running", np.int64),
        ("first_running", np.int64),
        ("last_running", np.int64),
        ("waiting", np.int64),
        ("first_waiting", np.int64),
        ("last_waiting", np.int64),
        ("queue_size", np.int64),  # of the heap of waiting calls, leavers included
        ("partial", np.int64),
        ("decoding", np.int64),
        ("base_sum", np.int64),  # over decoding calls
        ("done_size", np.int64),
        ("tallest_size", np.int64),
        ("admitted", np.int64),
    ]
)
"""One replica."""

RUN = np.dtype([("lo", np.int64), ("hi", np.int64), ("parent", np.int64)])
"""Blocks of a content that are always used together: first one, end, and the run before it or -1."""

SHARED_RUN = np.dtype([("uses", np.int32), ("segment", np.int32)])
"""A run of several calls on a replica: by how many it is used, and where it lies in the free queue, or -1."""

SEGMENT = np.dtype(
    [("run", np.int64), ("count", np.int64), ("replica", np.int64), ("older", np.int64), ("newer", np.int64)]
)
"""Blocks side by side in a free queue: of one run, last block first, or empty ones (run -1)."""

CLOCK = np.dtype(
    [
        ("next_start", np.int64),  # into `starts`
        ("events_size", np.int64),
        ("watched_size", np.int64),
        ("watched_ns", np.int64),  # nobody watched leaves before
        ("free_segment", np.int64),  # first of the unused records, linked by `newer`
        ("turn", np.int64),
        ("steps", np.int64),
        ("computed_tokens", np.int64),
        # the prompts of the step being made
        ("chunk_tokens", np.int64),
        ("chunk_squares", np.int64),
        ("prompt_count", np.int64),
        ("prompt_context", np.int64),
        ("prompt_kv", np.int64),
        # its decoding calls, where they were scheduled one by one
        ("decoding", np.int64),
        ("decode_kv", np.int64),
        ("longest_kv", np.int64),
    ]
)
"""What there is one of."""
