"""A replay with literal prefill and decode replicas: hand-overs, transfers, and who is asked for what when."""

import heapq
from collections.abc import Callable

import numpy as np

from hwmodel.serving.engine import EngineCalls, EngineRun, Outcome
from hwmodel.serving.reference import Replay, Scheduler
from hwmodel.serving.reference.replay import REQUEST, StepTime
from hwmodel.serving.reference.request import Request
from hwmodel.serving.split.literal.routing import load_of, routed
from hwmodel.serving.split.literal.schedulers import DecodeScheduler, PrefillScheduler
from hwmodel.serving.split.run import HandOvers, SplitRun
from hwmodel.serving.split.sending import sent_after, sent_along
from hwmodel.serving.split.settings import SplitSettings, refuse_leavers

ARRIVE = 3


class SplitReplay(Replay):
    """All prefill and all decode replicas.

    At each moment, as in the replay of one pool: steps end, prefill replicas first; then requests and arrivals of cache
    up to now happen; then idle replicas put their next step together, prefill replicas first, and what decode replicas
    gave room to is sent. Of each call the prefill replica knows the prompt and one token, the decode replica the call
    with that token.
    """

    def __init__(self, calls: EngineCalls, settings: SplitSettings, prefill_ns: StepTime, decode_ns: StepTime) -> None:
        """Nobody has arrived yet."""
        refuse_leavers(calls)
        super().__init__(calls, settings.prefill, prefill_ns, 0)
        self.split = settings
        self.decode_ns = decode_ns
        self.prefills = [PrefillScheduler(settings.prefill) for _ in range(settings.prefill_count)]
        self.decodes = [DecodeScheduler(settings.decode) for _ in range(settings.decode_count)]
        self.replicas: list[Scheduler] = [*self.prefills, *self.decodes]
        self.twins = [_twin(request) for request in self.requests]
        for request in self.requests:
            request.output_tokens = 1
        self.link_free_ns = [0] * settings.prefill_count
        self.decode_turn = 0
        size = len(calls)
        self.ready_tokens, self.sent_to = [0] * size, [0] * size
        """Prompt tokens whose cache is there on the prefill side, its step over; and how far they have been sent."""
        self.sent_tokens, self.room_ns, self.arrived_ns = [0] * size, [-1] * size, [-1] * size

    def run_split(self, watch: Callable[[Replay, int], None] | None = None) -> SplitRun:
        """Replay everything; `watch` sees the state after each moment."""
        run = self.run(watch)

        def column(values: list[int]) -> np.ndarray:
            return np.array(values, dtype=np.int64)

        return SplitRun(
            times=run.times,
            hand_overs=HandOvers(
                room_ns=column(self.room_ns),
                arrived_ns=column(self.arrived_ns),
                decoding_ns=column([twin.scheduled_ns for twin in self.twins]),
                sent_tokens=column(self.sent_tokens),
                replica=column([twin.replica for twin in self.twins]),
            ),
            steps_count=run.steps_count,
            busy_ns=run.busy_ns,
            computed_tokens=run.computed_tokens,
        )

    def _requested(self, request: Request, time: int, now: int) -> None:
        twin, decode = self.twins[request.number], self.split.decode
        twin.requested_ns = time
        most = -(-(twin.input_tokens + twin.output_tokens - 1) // decode.block_tokens)
        if twin.output_tokens > 1 and most + decode.state_blocks_count > decode.blocks_count:
            request.requested_ns = time
            self._ends(request, Outcome.REFUSED, now)
            return
        super()._requested(request, time, now)

    def _attach(self, request: Request) -> None:
        super()._attach(request)
        twin = self.twins[request.number]
        most = -(-(twin.input_tokens + twin.output_tokens) // self.settings.block_tokens)
        twin.keys = [self._key(request.number, block) for block in range(most)]

    def _end_steps(self, now: int) -> None:
        for replica in self.prefills:
            if replica.step_end_ns == now:
                parts = [(share.request, share.request.computed_tokens) for share in replica.shares]
                for request, computed in parts:
                    self.ready_tokens[request.number] = computed
                if self.split.link.overlap:
                    self._send_along(replica, [request for request, _ in parts], now)
        super()._end_steps(now)

    def _ends(self, request: Request, outcome: Outcome, now: int) -> None:
        twin = self.twins[request.number]
        if outcome is not Outcome.DONE:
            super()._ends(request, outcome, now)
        elif request is twin:
            main = self.requests[request.number]
            main.generated_tokens, main.preemptions_count = twin.generated_tokens, twin.preemptions_count
            super()._ends(main, outcome, now)
        elif twin.output_tokens == 1:
            self.prefills[request.replica].let_go(request)
            super()._ends(request, outcome, now)
        elif not self.split.link.overlap:
            self._ask_for_room(twin)

    def _ask_for_room(self, twin: Request) -> None:
        twin.replica = self._route_decode(twin)
        self.decodes[twin.replica].enqueue(twin)

    def _begin_step(self, replica: Scheduler, now: int) -> None:
        is_prefill = isinstance(replica, PrefillScheduler)
        step_ns = self.step_ns if is_prefill else self.decode_ns
        while replica.waiting or replica.running or (isinstance(replica, DecodeScheduler) and replica.arrived):
            before = len(replica.waiting), len(replica.running)
            replica.schedule(now)
            if isinstance(replica, DecodeScheduler):
                for twin in replica.given_room:
                    self._has_room(twin, now)
            if replica.shares:
                duration = step_ns(replica.features())
                replica.step_end_ns = now + duration
                replica.busy_ns += duration
                self.steps_count += 1
                self.computed_tokens += sum(share.tokens for share in replica.shares)
                if isinstance(replica, PrefillScheduler):
                    self._begins(replica, now)
                return
            if before == (len(replica.waiting), len(replica.running)):
                return

    def _begins(self, replica: PrefillScheduler, now: int) -> None:
        """Where sending overlaps, a decode replica is asked for room when the prompt's first step begins."""
        replica.began_ns = now
        for share in replica.shares:
            twin = self.twins[share.request.number]
            if self.split.link.overlap and twin.output_tokens > 1 and twin.replica < 0:
                self._ask_for_room(twin)

    def _has_room(self, twin: Request, now: int) -> None:
        """What is ready can be sent; what the decode replica holds already need not."""
        number = twin.number
        self.room_ns[number] = now
        self.sent_to[number] = min(twin.cached_tokens, twin.input_tokens)
        self._send([twin], now, lambda free, tokens, states: sent_after(self.split.link, free, now, tokens, states))

    def _send_along(self, replica: PrefillScheduler, requests: list[Request], now: int) -> None:
        """What a step computed for calls that have room went along with it; what it computed for others waits."""
        twins = [twin for request in requests if self.room_ns[(twin := self.twins[request.number]).number] >= 0]
        room = max((self.room_ns[twin.number] for twin in twins), default=0)
        link, began = self.split.link, replica.began_ns
        self._send(twins, now, lambda free, n, s: sent_along(link, free, room, began, now, n, s))

    def _send(self, twins: list[Request], now: int, end: Callable[[int, int, int], int]) -> None:
        """One transfer of all that is ready of these calls, of one prefill replica."""
        if not twins:
            return
        link = self.split.link
        sender = self.requests[twins[0].number].replica
        tokens = sum(max(self.ready_tokens[t.number] - self.sent_to[t.number], 0) for t in twins)
        last = [twin for twin in twins if self.ready_tokens[twin.number] == twin.input_tokens]
        is_sent = tokens > 0 or (last and link.ns_per_sequence > 0)
        ends = now
        if is_sent:
            ends = self.link_free_ns[sender] = end(self.link_free_ns[sender], tokens, len(last))
        for twin in twins:
            number = twin.number
            self.sent_tokens[number] += max(self.ready_tokens[number] - self.sent_to[number], 0)
            self.sent_to[number] = max(self.sent_to[number], self.ready_tokens[number])
        for twin in last:
            heapq.heappush(self.events, (ends + link.latency_ns, twin.number, ARRIVE))

    def _happens(self, request: Request, kind: int, time: int, now: int) -> None:
        if kind == REQUEST:
            super()._happens(request, kind, time, now)
            return
        twin = self.twins[request.number]
        self.arrived_ns[request.number] = now
        self.prefills[request.replica].let_go(request)
        self.decodes[twin.replica].arrives(twin)

    def _route(self, request: Request) -> int:
        self.turn += 1
        loads = [load_of(x.waiting, x.running) for x in self.prefills]
        home = self._home(request, self.requests)
        return routed(request, loads, home, self.split.prefill.router, self.turn - 1)

    def _route_decode(self, twin: Request) -> int:
        self.decode_turn += 1
        loads = [load_of(x.waiting, x.running, x.incoming, x.arrived) for x in self.decodes]
        return routed(twin, loads, self._home(twin, self.twins), self.split.decode.router, self.decode_turn - 1)

    def _home(self, request: Request, requests: list[Request]) -> int:
        parent = int(self.calls.parent[request.number])
        return requests[parent].replica if parent >= 0 else -1

    def _result(self) -> EngineRun:
        for main, twin in zip(self.requests, self.twins, strict=True):
            if main.first_ns >= 0 and twin.replica >= 0:
                main.generated_tokens, main.preemptions_count = twin.generated_tokens, twin.preemptions_count
        return super()._result()


def _twin(request: Request) -> Request:
    """The call as a decode replica gets it: with its first token."""
    return Request(
        number=request.number,
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        loaded_tokens=0,
        priority=request.priority,
        generated_tokens=1,
    )


def replay_split_literally(
    calls: EngineCalls, settings: SplitSettings, prefill_ns: StepTime, decode_ns: StepTime
) -> SplitRun:
    """Serve the calls by the literal rule; slow, and the measure of the compiled one."""
    return SplitReplay(calls, settings, prefill_ns, decode_ns).run_split()
