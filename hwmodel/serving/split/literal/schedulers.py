"""The literal rule of replicas that only prefill or only decode, after vLLM v1 with a KV connector."""

from hwmodel.serving.engine import EngineSettings, Policy
from hwmodel.serving.reference import Scheduler
from hwmodel.serving.reference.request import Request
from hwmodel.serving.reference.scheduler import Share


class PrefillScheduler(Scheduler):
    """One prefill replica: a call is done with its first token, but keeps its blocks until they have been sent."""

    def __init__(self, settings: EngineSettings) -> None:
        """An empty replica."""
        super().__init__(settings)
        self.held: list[Request] = []
        self.began_ns = 0
        """When the step under way, or the last one, began."""

    def let_go(self, request: Request) -> None:
        """Its cache is elsewhere, or not needed any more."""
        self.held.remove(request)
        self._free(request)

    def _finish(self, request: Request) -> None:
        self.running.remove(request)
        self.held.append(request)


class DecodeScheduler(Scheduler):
    """One decode replica.

    A call that waits for room gets blocks for its whole prompt and the first token computed here, in its turn and where
    a place is free; what of its prefix is still in this replica's cache need not travel. The call then waits for the
    rest, holding its blocks, and others go on. Calls whose cache has arrived are admitted before those that wait. A
    call interrupted here is computed again here.
    """

    def __init__(self, settings: EngineSettings) -> None:
        """An empty replica."""
        super().__init__(settings)
        self.incoming: list[Request] = []
        """They have room; their cache is on the way."""
        self.arrived: list[Request] = []
        self.given_room: list[Request] = []
        """By the latest scheduling, in order."""

    def schedule(self, now: int) -> None:
        """Put the next step together; says in `given_room` who can be sent."""
        self.given_room = []
        super().schedule(now)

    def arrives(self, request: Request) -> None:
        """All of its prompt is here, and can be found."""
        self.incoming.remove(request)
        self.arrived.append(request)
        if self.settings.prefix_caching:
            whole = request.input_tokens // self.settings.block_tokens
            for block, key in zip(request.blocks[:whole], request.keys, strict=False):
                self.pool.keep(block, key)

    def _admit(self, now: int, budget: int) -> None:
        while self.arrived and budget > 0 and len(self.running) < self.settings.max_sequences_count:
            request = self._first_of(self.arrived)
            self.arrived.remove(request)
            request.computed_tokens, request.is_decoding, request.scheduled_ns = request.input_tokens, True, now
            self.running.append(request)
            self.shares.append(Share(request, 1, is_decode=True))
            self._advance(self.shares[-1])
            budget -= 1
        self._admit_waiting(now, budget)

    def _admit_waiting(self, now: int, budget: int) -> None:
        while self.waiting and budget > 0 and len(self.running) < self.settings.max_sequences_count:
            request = self._next()
            if request.scheduled_ns >= 0:
                before = len(self.shares)
                self._admit_one(now, budget)
                if len(self.shares) == before:
                    return
                budget -= self.shares[-1].tokens
            elif self._fits(request, request.tokens):
                self._give_room(request)
            else:
                return

    def _give_room(self, request: Request) -> None:
        hits, cached = self._found(request)
        self.waiting.remove(request)
        self.pool.touch(hits)
        request.state_blocks = self.pool.take(self.settings.state_blocks_count)
        request.blocks = hits
        request.blocks = hits + self.pool.take(self._blocks_for(request, request.tokens))
        request.cached_tokens = cached
        self.incoming.append(request)
        self.given_room.append(request)

    def _first_of(self, requests: list[Request]) -> Request:
        if self.settings.policy is Policy.FCFS:
            return requests[0]
        return min(requests, key=lambda r: (r.priority, r.requested_ns, r.number))
