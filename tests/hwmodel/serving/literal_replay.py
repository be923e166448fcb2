"""The documented step rule told literally: one object per call, every token counted, every sum taken anew."""

from dataclasses import dataclass, field

from hwmodel.serving.step_cost import step_ns
from tests.hwmodel.serving.replay_cases import Case


@dataclass(eq=False)
class Branch:
    """One branch of a conversation in a prefix cache."""

    home: int = -1
    tokens: int = 0
    held: int = 0
    state: str = "absent"
    owner: "Call | None" = None


@dataclass(eq=False)
class Call:
    number: int
    start: int
    after: int
    gap: int
    input: int
    output: int
    shared: int
    warm: bool
    tier: int
    branch: Branch = field(default_factory=Branch)
    source: Branch | None = None
    computed: int = 0
    generated: int = 0
    reserved: int = 0
    cached: int = -1
    requested: int = -1
    scheduled: int = -1
    first: int = -1
    last: int = -1


@dataclass(eq=False)
class Server:
    waiting: list[Call] = field(default_factory=list)
    running: list[Call] = field(default_factory=list)
    kept: list[Branch] = field(default_factory=list)
    """Oldest first."""
    parts: list[tuple[Call, int]] = field(default_factory=list)
    step_end: int | None = None

    @property
    def load(self) -> int:
        return sum(c.input + c.output for c in (*self.waiting, *self.running))

    @property
    def used(self) -> int:
        return sum(c.reserved for c in self.running)


class LiteralReplay:
    """Runs one case; afterwards `calls` holds what happened and `steps` how many steps ended."""

    def __init__(self, case: Case) -> None:
        d = case.demand
        self.case = case
        self.calls = [
            Call(
                number=i,
                start=int(d.start_ns[i]),
                after=int(d.after[i]),
                gap=int(d.gap_ns[i]),
                input=int(d.input_tokens[i]),
                output=int(d.output_tokens[i]),
                shared=min(int(d.shared_tokens[i]), int(d.input_tokens[i])),
                warm=bool(d.is_warm[i]),
                tier=int(d.tier[i]),
            )
            for i in range(len(d))
        ]
        self.servers = [Server() for _ in range(case.replicas_count)]
        self.steps = 0
        self.horizon = int(d.start_ns.max()) + int(case.scheduler.grace_s * 1_000_000_000)
        self.coming: list[tuple[int, int]] = []
        self._grow_branches(d.parent.tolist())

    def _grow_branches(self, parents: list[int]) -> None:
        """The first child that keeps half of its parent's context goes on in its branch; the others fork."""
        continued: set[int] = set()
        for call, parent in zip(self.calls, parents, strict=True):
            if parent < 0:
                continue
            before = self.calls[parent]
            call.source = before.branch
            if parent not in continued and call.shared >= (before.input + before.output) / 2:
                continued.add(parent)
                call.branch = before.branch

    def run(self) -> "LiteralReplay":
        for call in self.calls:
            if call.after < 0:
                self._comes(call, call.start)
        while True:
            busy = [s for s in self.servers if s.step_end is not None]
            server = min(busy, key=lambda s: s.step_end or 0, default=None)
            end = None if server is None else server.step_end
            if self.coming and (end is None or min(self.coming)[0] <= end):
                self._arrive()
                continue
            if server is None or end is None or end > self.horizon:
                return self
            self.steps += 1
            self._end_step(server, end)
            self._begin_step(server, end)

    def _comes(self, call: Call, at: int) -> None:
        if at <= self.horizon:
            self.coming.append((at, call.number))

    def _arrive(self) -> None:
        now, number = min(self.coming)
        self.coming.remove((now, number))
        call = self.calls[number]
        call.requested = now
        if call.input + call.output + self.case.replica.state_tokens > self.case.replica.capacity_tokens:
            self._wake_followers(call, now)
            return
        server = self._route(call)
        server.waiting.append(call)
        if server.step_end is None:
            self._begin_step(server, now)

    def _route(self, call: Call) -> Server:
        lightest = min(self.servers, key=lambda s: s.load)
        if self.case.scheduler.prefix_caching and call.source is not None and call.source.state != "absent":
            home = self.servers[call.source.home]
            if home.load <= 1.3 * lightest.load + call.input + call.output:
                return home
        return lightest

    def _begin_step(self, server: Server, now: int) -> None:
        decoding = [c for c in server.running if c.generated > 0]
        budget = self.case.scheduler.max_batched_tokens - len(decoding)
        server.parts = []
        weighted = 0
        while budget > 0:
            unfinished = [c for c in server.running if c.computed < c.input]
            assert len(unfinished) <= 1
            call = unfinished[0] if unfinished else self._admit(server, now)
            if call is None:
                break
            part = min(call.input - call.computed, budget)
            weighted += part * call.computed
            call.computed += part
            budget -= part
            server.parts.append((call, part))
        chunk = sum(part for _, part in server.parts)
        if chunk + len(decoding) == 0:
            server.step_end = None
            return
        emitting = len(decoding) + sum(c.computed == c.input for c, _ in server.parts)
        kv = sum(c.input + c.generated for c in decoding)
        context = weighted / chunk if chunk else 0.0
        server.step_end = now + step_ns(self.case.replica.cost, chunk, context, emitting, len(decoding), kv)

    def _admit(self, server: Server, now: int) -> Call | None:
        if len(server.running) >= self.case.scheduler.max_sequences_count or not server.waiting:
            return None
        call = min(server.waiting, key=lambda c: c.tier)
        if not self._reserve(call, server):
            return None
        server.waiting.remove(call)
        server.running.append(call)
        call.scheduled = now
        call.computed = call.cached
        return call

    def _cached(self, call: Call, server: Server) -> int:
        if not self.case.scheduler.prefix_caching:
            return 0
        if call.warm:
            return min(call.shared, call.input - 1)
        source = call.source
        if source is None or source.state == "absent" or self.servers[source.home] is not server:
            return 0
        return min(call.shared, source.tokens, call.input - 1)

    def _reserve(self, call: Call, server: Server) -> bool:
        cached = self._cached(call, server)
        forks = call.source is not None and call.source is not call.branch
        need = call.input + call.output + self.case.replica.state_tokens - (cached if forks else 0)
        capacity = self.case.replica.capacity_tokens
        if server.used + need > capacity:
            return False
        branch = call.branch
        if branch.state == "idle":
            self.servers[branch.home].kept.remove(branch)
            branch.state = "absent"
        while server.used + sum(b.held for b in server.kept) + need > capacity:
            server.kept.pop(0).state = "absent"
        if branch.state != "busy":
            branch.state, branch.owner, branch.home = "busy", call, self.servers.index(server)
            branch.tokens, branch.held = cached, need
        call.reserved, call.cached = need, cached
        return True

    def _end_step(self, server: Server, now: int) -> None:
        decoding = [c for c in server.running if c.generated > 0]
        for call in decoding:
            call.generated += 1
        for call in sorted((c for c in decoding if c.generated == c.output), key=lambda c: c.number):
            self._finish(call, server, now)
        for call, _ in server.parts:
            if call.computed == call.input:
                call.first, call.generated = now, 1
                if call.output == 1:
                    self._finish(call, server, now)

    def _finish(self, call: Call, server: Server, now: int) -> None:
        call.last = now
        server.running.remove(call)
        branch = call.branch
        if branch.owner is call:
            branch.owner, branch.state = None, "absent"
            if self.case.scheduler.prefix_caching:
                branch.state, branch.tokens = "idle", call.input + call.output
                self.servers[branch.home].kept.append(branch)
        self._wake_followers(call, now)

    def _wake_followers(self, call: Call, now: int) -> None:
        for follower in self.calls:
            if follower.after == call.number:
                self._comes(follower, now + follower.gap)
