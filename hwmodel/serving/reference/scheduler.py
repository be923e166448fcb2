"""The step rule of vLLM v1 told literally: one replica's queues, its block pool, and the making of a step."""

from dataclasses import dataclass

from hwmodel.serving.engine import EngineSettings, Policy
from hwmodel.serving.reference.blocks import Block, BlockPool
from hwmodel.serving.reference.request import Request
from hwmodel.serving.step_features import StepFeatures


@dataclass(slots=True)
class Share:
    """A call's part in a step."""

    request: Request
    tokens: int
    is_decode: bool


class Scheduler:
    """One replica.

    A step first gives every running call its tokens, in order of admission: the prompt's rest as far as the budget
    goes, or one token. Where blocks run out the last call (or the least urgent one) gives up its blocks and waits
    again. Where nobody had to, waiting calls are admitted while budget, sequences and blocks last.
    """

    def __init__(self, settings: EngineSettings) -> None:
        """An empty replica."""
        self.settings = settings
        self.pool = BlockPool(settings.blocks_count)
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.shares: list[Share] = []
        """Parts of the step under way, in order of scheduling."""
        self.step_end_ns: int | None = None
        self.busy_ns = 0

    def enqueue(self, request: Request) -> None:
        """A call arrives."""
        self.waiting.append(request)

    def drop(self, request: Request) -> None:
        """A call leaves, wherever it is."""
        if request in self.running:
            self.running.remove(request)
            self._free(request)
        else:
            self.waiting.remove(request)

    def schedule(self, now: int) -> None:
        """Put the next step together in `shares`; empty where there is nothing to do."""
        self.shares = []
        self._yield_to_urgent()
        preempted, budget = self._schedule_running()
        for share in self.shares:
            self._advance(share)
        if not preempted:
            self._admit(now, budget)

    def features(self) -> StepFeatures:
        """What the step under way computes."""
        decoders = [s.request.computed_tokens - s.tokens for s in self.shares if s.is_decode]
        prompts = [(s.tokens, s.request.computed_tokens - s.tokens) for s in self.shares if not s.is_decode]
        return StepFeatures(
            chunk_tokens=sum(chunk for chunk, _ in prompts),
            chunk_squares=sum(chunk**2 for chunk, _ in prompts),
            prompt_count=len(prompts),
            prompt_context=sum(chunk * before for chunk, before in prompts),
            prompt_kv=sum(chunk + before for chunk, before in prompts),
            emitting=sum(s.request.computed_tokens >= s.request.tokens for s in self.shares),
            decoding=len(decoders),
            decode_kv=sum(decoders),
            longest_kv=max(decoders, default=0),
            draft_tokens=sum(s.tokens - 1 for s in self.shares if s.is_decode),
        )

    def end_step(self, now: int) -> list[Request]:
        """Hand out the step's tokens; returns the calls that are done, in order of scheduling."""
        done = []
        for share in self.shares:
            request = share.request
            if request not in self.running or request.computed_tokens < request.tokens:
                continue
            request.generated_tokens += self._emits(share)
            request.is_decoding = True
            if request.first_ns < 0:
                request.first_ns = now
            if request.generated_tokens == request.output_tokens:
                self._finish(request)
                done.append(request)
        self.shares = []
        return done

    def _asks_for(self, request: Request) -> int:
        """Tokens that a running call would have computed in a step."""
        return request.tokens - request.computed_tokens

    def _emits(self, share: Share) -> int:  # noqa: ARG002 - with drafts it depends on the share
        """Tokens that a call gets at the end of a step."""
        return 1

    def _schedule_running(self) -> tuple[bool, int]:
        budget, at, preempted = self.settings.max_batched_tokens, 0, False
        while at < len(self.running) and budget > 0:
            request = self.running[at]
            chunk = min(self._asks_for(request), budget)
            while (need := self._blocks_for(request, request.computed_tokens + chunk)) > self.pool.free_count:
                victim = self._victim()
                scheduled = next((s for s in self.shares if s.request is victim), None)
                if scheduled is not None:
                    self.shares.remove(scheduled)
                    budget += scheduled.tokens
                    at -= 1
                self._preempt(victim)
                preempted = True
                if victim is request:
                    return True, budget
            request.blocks += self.pool.take(need)
            self.shares.append(Share(request, chunk, request.is_decoding))
            budget -= chunk
            at += 1
        return preempted, budget

    def _admit(self, now: int, budget: int) -> None:
        while self.waiting and budget > 0 and len(self.running) < self.settings.max_sequences_count:
            chunk = self._admit_one(now, budget)
            if chunk == 0:
                return
            budget -= chunk

    def _admit_one(self, now: int, budget: int) -> int:
        """Admit the next waiting call; returns its tokens in the step, 0 where it does not fit."""
        request = self._next()
        hits, computed = self._found(request)
        chunk = min(request.tokens - computed, budget)
        if not self._fits(request, computed + chunk):
            return 0
        self.waiting.remove(request)
        self.pool.touch(hits)
        request.state_blocks = self.pool.take(self.settings.state_blocks_count)
        request.blocks = hits
        request.blocks = hits + self.pool.take(self._blocks_for(request, computed + chunk))
        request.computed_tokens = computed
        if request.scheduled_ns < 0:
            request.scheduled_ns = now
            request.cached_tokens = computed
        self.running.append(request)
        self.shares.append(Share(request, chunk, is_decode=False))
        self._advance(self.shares[-1])
        return chunk

    def _finish(self, request: Request) -> None:
        self.running.remove(request)
        self._free(request)

    def _found(self, request: Request) -> tuple[list[Block], int]:
        """Blocks in the cache that the call can use, and the tokens that it need not compute."""
        whole = (request.tokens - 1) // self.settings.block_tokens
        hits = self.pool.cached(request.keys[:whole]) if self.settings.prefix_caching else []
        return hits, max(len(hits) * self.settings.block_tokens, request.loaded_tokens)

    def _fits(self, request: Request, tokens: int) -> bool:
        """Whether the call can be admitted with this much computed after its first step."""
        hits, _ = self._found(request)
        wanted = request.tokens if self.settings.reserve_full_prompt else tokens
        need = self._blocks(wanted) - len(hits) + self.settings.state_blocks_count
        return need + sum(block.users == 0 for block in hits) <= self.pool.free_count

    def _next(self) -> Request:
        if self.settings.policy is Policy.FCFS:
            return self.waiting[0]
        return min(self.waiting, key=lambda r: (r.priority, r.requested_ns, r.number))

    def _victim(self) -> Request:
        if self.settings.policy is Policy.FCFS:
            return self.running[-1]
        return max(self.running, key=lambda r: (r.priority, r.requested_ns))

    def _yield_to_urgent(self) -> None:
        """Interrupt the least urgent calls that may be interrupted, until the next urgent one can be admitted."""
        first = self.settings.yielding_priority
        while first > 0 and self.waiting and self._next().priority < first:
            is_full = len(self.running) >= self.settings.max_sequences_count
            if not is_full and self._fits(self._next(), self._next().tokens):
                return
            victim = self._victim() if self.running else None
            if victim is None or victim.priority < first:
                return
            self._preempt(victim)

    def _preempt(self, request: Request) -> None:
        self.running.remove(request)
        self._free(request)
        request.preemptions_count += 1
        self.waiting.insert(0, request)

    def _free(self, request: Request) -> None:
        if request.computed_tokens == request.tokens and not request.is_decoding:
            self.pool.forget(request.blocks[-1])
        self.pool.release(request.blocks + request.state_blocks)
        request.blocks, request.state_blocks = [], []
        request.computed_tokens, request.is_decoding = 0, False

    def _advance(self, share: Share) -> None:
        """Count the share as computed; what it fills can be found by the next call of the same step."""
        request = share.request
        request.computed_tokens += share.tokens
        if self.settings.prefix_caching:
            whole = min(request.computed_tokens, request.tokens) // self.settings.block_tokens
            for block, key in zip(request.blocks[:whole], request.keys, strict=False):
                self.pool.keep(block, key)

    def _blocks_for(self, request: Request, tokens: int) -> int:
        return max(self._blocks(tokens) - len(request.blocks), 0)

    def _blocks(self, tokens: int) -> int:
        return -(-tokens // self.settings.block_tokens)
