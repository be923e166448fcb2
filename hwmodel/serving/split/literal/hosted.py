"""The literal rule of replicas with a tier of cache in host memory, after vLLM v1 with its offloading connector."""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from hwmodel.serving.engine import EngineCalls, EngineSettings, Policy
from hwmodel.serving.reference import BlockPool, Replay, Scheduler
from hwmodel.serving.reference.blocks import Block, Key
from hwmodel.serving.reference.replay import REQUEST, StepTime
from hwmodel.serving.reference.request import Request
from hwmodel.serving.reference.scheduler import Share
from hwmodel.serving.split.host import HostTier, loaded_after
from hwmodel.serving.split.literal.routing import load_of, routed
from hwmodel.serving.split.run import HostedRun
from hwmodel.serving.split.settings import refuse_hosted, refuse_leavers

ARRIVE = 3


class HostedPool(BlockPool):
    """A block pool whose contents are copied to host memory when they are told, the least recently used one going."""

    def __init__(self, blocks_count: int, host_blocks_count: int) -> None:
        """All blocks free, host memory empty."""
        super().__init__(blocks_count)
        self.host_blocks_count = host_blocks_count
        self.host: OrderedDict[Key, None] = OrderedDict()

    def keep(self, block: Block, key: Key) -> None:
        """Tell the content; what is told for the first time, or again after it was evicted, is in host memory then."""
        was_told = block.key is not None or block.is_copy
        super().keep(block, key)
        if not was_told and not block.is_copy and self.host_blocks_count > 0:
            self._use(key)

    def in_host(self, keys: Sequence[Key]) -> int:
        """How many from the start of `keys` on are in host memory."""
        count = 0
        for key in keys:
            if key not in self.host:
                break
            count += 1
        return count

    def use(self, keys: Sequence[Key]) -> None:
        """They are loaded, the first one first."""
        for key in keys:
            self._use(key)

    def _use(self, key: Key) -> None:
        self.host[key] = None
        self.host.move_to_end(key)
        if len(self.host) > self.host_blocks_count:
            self.host.popitem(last=False)


class HostedScheduler(Scheduler):
    """One replica.

    Where more of a waiting call's prefix is in host memory than on the device, the call takes blocks for all its tokens
    and waits for the load, and others go on. Calls whose load is over are admitted before those that wait.
    """

    def __init__(self, settings: EngineSettings, host: HostTier) -> None:
        """An empty replica."""
        super().__init__(settings)
        self.pool: HostedPool = HostedPool(settings.blocks_count, host.blocks_count)
        self.incoming: list[Request] = []
        self.arrived: list[Request] = []
        self.asked: list[tuple[Request, int]] = []
        """Loads that the latest scheduling began: calls, and blocks from host memory."""
        self.found_tokens: dict[int, int] = {}
        """Of calls that load: tokens that need not be computed."""
        self.loaded_tokens: dict[int, int] = {}
        """Of calls that load: those of them from host memory."""
        self.host_tokens: dict[int, int] = {}
        """The same where the load was for their first admission."""

    def schedule(self, now: int) -> None:
        """Put the next step together; says in `asked` what is to be loaded."""
        self.asked = []
        super().schedule(now)

    def arrives(self, request: Request) -> None:
        """All that was loaded is on the device, and can be found."""
        self.incoming.remove(request)
        self.arrived.append(request)
        whole = self.found_tokens[request.number] // self.settings.block_tokens
        for block, key in zip(request.blocks[:whole], request.keys, strict=False):
            self.pool.keep(block, key)

    def _admit(self, now: int, budget: int) -> None:
        while self.arrived and budget > 0 and len(self.running) < self.settings.max_sequences_count:
            request = self._first_of(self.arrived)
            self.arrived.remove(request)
            request.computed_tokens = self.found_tokens.pop(request.number)
            if request.scheduled_ns < 0:
                request.scheduled_ns, request.cached_tokens = now, request.computed_tokens
                self.host_tokens[request.number] = self.loaded_tokens[request.number]
            chunk = min(request.tokens - request.computed_tokens, budget)
            self.running.append(request)
            self.shares.append(Share(request, chunk, is_decode=False))
            self._advance(self.shares[-1])
            budget -= chunk
        while self.waiting and budget > 0 and len(self.running) < self.settings.max_sequences_count:
            request = self._next()
            from_host = self._from_host(request)
            if from_host == 0:
                chunk = self._admit_one(now, budget)
                if chunk == 0:
                    return
                budget -= chunk
            elif self._fits(request, request.tokens):
                self._begin_load(request, from_host)
            else:
                return

    def _from_host(self, request: Request) -> int:
        """Blocks in host memory right behind those on the device, where they spare computing."""
        hits, computed = self._found(request)
        whole = (request.tokens - 1) // self.settings.block_tokens
        count = self.pool.in_host(request.keys[len(hits) : whole]) if self.settings.prefix_caching else 0
        return count if (len(hits) + count) * self.settings.block_tokens > computed else 0

    def _begin_load(self, request: Request, from_host: int) -> None:
        hits, _ = self._found(request)
        self.waiting.remove(request)
        self.pool.touch(hits)
        request.state_blocks = self.pool.take(self.settings.state_blocks_count)
        request.blocks = hits
        request.blocks = hits + self.pool.take(self._blocks_for(request, request.tokens))
        self.pool.use(request.keys[len(hits) : len(hits) + from_host])
        self.found_tokens[request.number] = (len(hits) + from_host) * self.settings.block_tokens
        self.loaded_tokens[request.number] = from_host * self.settings.block_tokens
        self.incoming.append(request)
        self.asked.append((request, from_host))

    def _first_of(self, requests: list[Request]) -> Request:
        if self.settings.policy is Policy.FCFS:
            return requests[0]
        return min(requests, key=lambda r: (r.priority, r.requested_ns, r.number))


class HostedReplay(Replay):
    """All replicas, each with host memory of its own."""

    def __init__(
        self, calls: EngineCalls, settings: EngineSettings, step_ns: StepTime, replicas_count: int, host: HostTier
    ) -> None:
        """Nobody has arrived yet."""
        refuse_leavers(calls)
        refuse_hosted(settings)
        super().__init__(calls, settings, step_ns, 0)
        self.host = host
        self.hosted = [HostedScheduler(settings, host) for _ in range(replicas_count)]
        self.replicas: list[Scheduler] = [*self.hosted]
        self.link_free_ns = [0] * replicas_count
        self.loaded_blocks = [0] * len(calls)

    def run_hosted(self, watch: Callable[[Replay, int], None] | None = None) -> HostedRun:
        """Replay everything; `watch` sees the state after each moment."""
        run = self.run(watch)
        return HostedRun(
            times=run.times,
            steps_count=run.steps_count,
            busy_ns=run.busy_ns,
            computed_tokens=run.computed_tokens,
            loaded_blocks=np.array(self.loaded_blocks, dtype=np.int64),
            host_tokens=np.array(
                [sum(replica.host_tokens.get(n, 0) for replica in self.hosted) for n in range(len(self.calls))],
                dtype=np.int64,
            ),
        )

    def _begin_step(self, replica: Scheduler, now: int) -> None:
        hosted = self.hosted[self.replicas.index(replica)]
        while replica.waiting or replica.running or hosted.arrived:
            before = len(replica.waiting), len(replica.running)
            replica.schedule(now)
            for request, blocks in hosted.asked:
                self._load(request, blocks, now)
            if replica.shares:
                duration = self.step_ns(replica.features())
                replica.step_end_ns = now + duration
                replica.busy_ns += duration
                self.steps_count += 1
                self.computed_tokens += sum(share.tokens for share in replica.shares)
                return
            if before == (len(replica.waiting), len(replica.running)):
                return

    def _load(self, request: Request, blocks: int, now: int) -> None:
        ends = loaded_after(self.host, self.link_free_ns[request.replica], now, blocks)
        self.link_free_ns[request.replica] = ends
        self.loaded_blocks[request.number] += blocks
        heapq.heappush(self.events, (ends + self.host.latency_ns, request.number, ARRIVE))

    def _happens(self, request: Request, kind: int, time: int, now: int) -> None:
        if kind == REQUEST:
            super()._happens(request, kind, time, now)
        else:
            self.hosted[request.replica].arrives(request)

    def _route(self, request: Request) -> int:
        self.turn += 1
        loads = [load_of(x.waiting, x.running, x.incoming, x.arrived) for x in self.hosted]
        parent = int(self.calls.parent[request.number])
        home = self.requests[parent].replica if parent >= 0 else -1
        return routed(request, loads, home, self.settings.router, self.turn - 1)


def replay_hosted_literally(
    calls: EngineCalls, settings: EngineSettings, step_ns: StepTime, host: HostTier, *, replicas_count: int = 1
) -> HostedRun:
    """Serve the calls by the literal rule; slow, and the measure of the compiled one."""
    return HostedReplay(calls, settings, step_ns, replicas_count, host).run_hosted()
