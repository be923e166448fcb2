"""A replay with literal schedulers: who is requested, gives up, stops and follows, on which replica."""

import heapq
from collections.abc import Callable

import numpy as np

from hwmodel.serving.engine import (
    AFFINITY_SLACK_PERCENT,
    NEVER,
    CallTimes,
    DraftCounts,
    EngineCalls,
    EngineRun,
    EngineSettings,
    Outcome,
    Router,
    Speculation,
    owners_of,
)
from hwmodel.serving.reference.request import Request
from hwmodel.serving.reference.scheduler import Scheduler
from hwmodel.serving.reference.verifying import VerifyingScheduler
from hwmodel.serving.step_features import StepFeatures

REQUEST, GIVE_UP, STOP = 0, 1, 2
StepTime = Callable[[StepFeatures], int]
"""Nanoseconds of a step."""


class Replay:
    """All replicas, and the events between their steps.

    At each moment: steps that end hand out their tokens; then requests and leavings up to now happen, in order of
    time, call and kind; then idle replicas with work put their next step together.
    """

    def __init__(
        self,
        calls: EngineCalls,
        settings: EngineSettings,
        step_ns: StepTime,
        replicas_count: int,
        speculation: Speculation | None = None,
    ) -> None:
        """Nobody has arrived yet."""
        self.speculation = speculation
        self.calls = calls
        self.settings = settings
        self.step_ns = step_ns
        self.owners = owners_of(calls, block_tokens=settings.block_tokens, prefix_caching=settings.prefix_caching)
        self.replicas = [self._scheduler(settings) for _ in range(replicas_count)]
        self.requests = [_request(calls, number) for number in range(len(calls))]
        self.followers: list[list[int]] = [[] for _ in range(len(calls))]
        for number, before in enumerate(calls.after.tolist()):
            if before >= 0:
                self.followers[before].append(number)
        self.is_attached = [owner >= 0 for owner in self.owners.owner.tolist()]
        self.events: list[tuple[int, int, int]] = []
        self.turn = 0
        self.steps_count = 0
        self.computed_tokens = 0

    def run(self, watch: Callable[["Replay", int], None] | None = None) -> EngineRun:
        """Replay everything; `watch` sees the state after each moment."""
        for number, before in enumerate(self.calls.after.tolist()):
            if before < 0:
                self._will_be_requested(number, int(self.calls.start_ns[number]))
        while (now := self._next_moment()) is not None and now <= self.settings.horizon_ns:
            self._end_steps(now)
            while self.events and self.events[0][0] <= now:
                time, number, kind = heapq.heappop(self.events)
                self._happens(self.requests[number], kind, time, now)
            for replica in self.replicas:
                if replica.step_end_ns is None:
                    self._begin_step(replica, now)
            if watch is not None:
                watch(self, now)
        return self._result()

    def _scheduler(self, settings: EngineSettings) -> Scheduler:
        return Scheduler(settings) if self.speculation is None else VerifyingScheduler(settings, self.speculation)

    def _end_steps(self, now: int) -> None:
        for replica in self.replicas:
            if replica.step_end_ns == now:
                replica.step_end_ns = None
                for request in replica.end_step(now):
                    self._ends(request, Outcome.DONE, now)

    def _next_moment(self) -> int | None:
        ends = [replica.step_end_ns for replica in self.replicas if replica.step_end_ns is not None]
        times = [min(ends)] if ends else []
        if self.events:
            times.append(self.events[0][0])
        return min(times, default=None)

    def _begin_step(self, replica: Scheduler, now: int) -> None:
        while replica.waiting or replica.running:
            replica.schedule(now)
            if replica.shares:
                duration = self.step_ns(replica.features())
                replica.step_end_ns = now + duration
                replica.busy_ns += duration
                self.steps_count += 1
                self.computed_tokens += sum(share.tokens for share in replica.shares)
                return

    def _will_be_requested(self, number: int, time: int) -> None:
        heapq.heappush(self.events, (time, number, REQUEST))

    def _happens(self, request: Request, kind: int, time: int, now: int) -> None:
        if kind == REQUEST and not request.is_over:
            self._requested(request, time, now)
        elif kind == GIVE_UP and request.first_ns < 0 and not request.is_over:
            self._gives_up(request, now)
        elif kind == STOP and not request.is_over:
            self._leaves_replica(request)
            self._ends(request, Outcome.STOPPED, now)

    def _requested(self, request: Request, time: int, now: int) -> None:
        request.requested_ns, request.outcome = time, Outcome.OPEN
        request.scheduled_ns = request.cached_tokens = -1
        most = -(-(request.input_tokens + request.output_tokens - 1) // self.settings.block_tokens)
        if most + self.settings.state_blocks_count > self.settings.blocks_count:
            self._ends(request, Outcome.REFUSED, now)
            return
        if request.attempts_count == 0:
            self._attach(request)
            request.replica = self._route(request)
            if self.calls.stop_ns[request.number] < NEVER:
                heapq.heappush(self.events, (time + int(self.calls.stop_ns[request.number]), request.number, STOP))
        if self.calls.patience_ns[request.number] < NEVER:
            heapq.heappush(self.events, (time + int(self.calls.patience_ns[request.number]), request.number, GIVE_UP))
        self.replicas[request.replica].enqueue(request)

    def _attach(self, request: Request) -> None:
        """Share the owner's blocks where they are written by now; else compute a copy."""
        owner = int(self.owners.owner[request.number])
        if 0 <= owner < len(self.requests):
            other = self.requests[owner]
            shared_tokens = int(self.owners.shared_blocks[request.number]) * self.settings.block_tokens
            is_written = other.is_over or shared_tokens <= other.input_tokens
            self.is_attached[request.number] = other.first_ns >= 0 and is_written
        most = -(-(request.input_tokens + request.output_tokens) // self.settings.block_tokens)
        request.keys = [self._key(request.number, block) for block in range(most)]

    def _key(self, content: int, block: int) -> tuple[int, int]:
        while content < len(self.requests) and self._lies_before(content, block):
            content = int(self.owners.owner[content])
        return content, block

    def _lies_before(self, content: int, block: int) -> bool:
        return self.is_attached[content] and block < int(self.owners.shared_blocks[content])

    def _route(self, request: Request) -> int:
        count = len(self.replicas)
        if self.settings.router is Router.ROUND_ROBIN:
            self.turn += 1
            return (self.turn - 1) % count
        loads = [sum(r.input_tokens + r.output_tokens for r in (*x.waiting, *x.running)) for x in self.replicas]
        lightest = loads.index(min(loads))
        parent = int(self.calls.parent[request.number])
        if self.settings.router is Router.LEAST_LOADED or parent < 0:
            return lightest
        home = self.requests[parent].replica
        own = request.input_tokens + request.output_tokens
        if home >= 0 and 100 * (loads[home] - own) <= AFFINITY_SLACK_PERCENT * loads[lightest]:
            return home
        return lightest

    def _gives_up(self, request: Request, now: int) -> None:
        self._leaves_replica(request)
        number = request.number
        if request.attempts_count < self.calls.retries_count[number]:
            back = now + int(self.calls.backoff_ns[number]) * 2**request.attempts_count
            request.attempts_count += 1
            self._will_be_requested(number, back)
            return
        self._ends(request, Outcome.GAVE_UP, now)

    def _leaves_replica(self, request: Request) -> None:
        replica = self.replicas[request.replica]
        if request in replica.waiting or request in replica.running:
            replica.drop(request)

    def _ends(self, request: Request, outcome: Outcome, now: int) -> None:
        request.outcome, request.last_ns = outcome, now
        if outcome is not Outcome.GAVE_UP:
            for number in self.followers[request.number]:
                self._will_be_requested(number, now + int(self.calls.gap_ns[number]))

    def _result(self) -> EngineRun:
        def column(name: str) -> np.ndarray:
            return np.array([getattr(r, name) for r in self.requests], dtype=np.int64)

        names = ("requested_ns", "scheduled_ns", "first_ns", "last_ns", "generated_tokens", "cached_tokens")
        rest = ("preemptions_count", "replica", "outcome")
        return EngineRun(
            times=CallTimes(**{name: column(name) for name in (*names, *rest)}),
            steps_count=self.steps_count,
            busy_ns=np.array([replica.busy_ns for replica in self.replicas], dtype=np.int64),
            computed_tokens=self.computed_tokens,
            drafts=self._drafts(),
        )

    def _drafts(self) -> DraftCounts | None:
        counted = [replica for replica in self.replicas if isinstance(replica, VerifyingScheduler)]
        if not counted:
            return None
        return DraftCounts(
            verified_count=sum(replica.verified_count for replica in counted),
            drafted_tokens=sum(replica.drafted_tokens for replica in counted),
            accepted_tokens=sum(replica.accepted_tokens for replica in counted),
        )


def _request(calls: EngineCalls, number: int) -> Request:
    return Request(
        number=number,
        input_tokens=int(calls.input_tokens[number]),
        output_tokens=int(calls.output_tokens[number]),
        loaded_tokens=min(int(calls.loaded_tokens[number]), int(calls.input_tokens[number]) - 1),
        priority=int(calls.priority[number]),
    )


def replay_literally(
    calls: EngineCalls,
    settings: EngineSettings,
    step_ns: StepTime,
    *,
    replicas_count: int = 1,
    speculation: Speculation | None = None,
) -> EngineRun:
    """Serve the calls by the literal rule; slow, and the measure of the fast one."""
    return Replay(calls, settings, step_ns, replicas_count, speculation).run()
