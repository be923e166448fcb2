"""Vidur's Sarathi rule written out with lists of calls: slow, and easy to hold against its description."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hwmodel.serving.step_features import StepFeatures


@dataclass(slots=True)
class Call:
    number: int
    arrival_ns: int
    prompt: int
    output: int
    done: int = 0
    blocks: int = 0
    is_decoding: bool = False
    restarts: int = 0
    scheduled_ns: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None

    def restart(self) -> None:
        total = self.prompt + self.output
        self.prompt, self.output = self.done, total - self.done
        self.done, self.blocks, self.is_decoding = 0, 0, False
        self.restarts += 1


@dataclass(slots=True)
class LiteralSarathi:
    """One replica."""

    sequences: int
    chunk: int
    block_tokens: int
    blocks: int
    watermark: int
    step_ns: Callable[[StepFeatures], int]
    waiting: list[Call] = field(default_factory=list)
    kept: list[Call] = field(default_factory=list)
    holders: set[int] = field(default_factory=set)
    used: int = 0
    steps: list[StepFeatures] = field(default_factory=list)

    def serve(self, calls: list[Call]) -> None:
        coming = sorted(calls, key=lambda call: call.arrival_ns)
        now = 0
        while True:
            while coming and coming[0].arrival_ns <= now:
                self.waiting.append(coming.pop(0))
            batch = self.next_batch()
            assert 0 <= self.used <= self.blocks
            if batch:
                for call, _ in batch:
                    call.scheduled_ns = now if call.scheduled_ns is None else call.scheduled_ns
                self.steps.append(features(batch))
                now += self.step_ns(self.steps[-1])
                self.end(batch, now)
            elif coming:
                now = coming[0].arrival_ns
            else:
                return

    def next_batch(self) -> list[tuple[Call, int]]:
        batch: list[tuple[Call, int]] = []
        part_way: list[Call] = []
        while self.kept and len(batch) < self.sequences:
            call = self.kept.pop(0)
            if not call.is_decoding:
                part_way.append(call)
            elif self.make_room(call):
                if call.done > call.blocks * self.block_tokens:
                    self.hold(call, 1)
                batch.append((call, 1))
        skipped = []
        for call in part_way:
            left = min(call.prompt - call.done, self.chunk - sum(part for _, part in batch))
            if left > 0:
                batch.append((call, left))
            else:
                skipped.append(call)
        self.kept = sorted(skipped + self.kept, key=lambda call: call.arrival_ns)
        while self.waiting and len(self.holders) < self.sequences and len(batch) < self.sequences:
            call = self.waiting[0]
            needed = -(-call.prompt // self.block_tokens)
            part = min(call.prompt, self.chunk - sum(part for _, part in batch))
            if self.blocks - self.used - needed < self.watermark or part <= 0:
                break
            self.hold(self.waiting.pop(0), needed)
            batch.append((call, part))
        return batch

    def make_room(self, call: Call) -> bool:
        while self.used == self.blocks:
            victim = self.kept.pop() if self.kept else call
            self.used -= victim.blocks
            self.holders.discard(victim.number)
            victim.restart()
            self.waiting.insert(0, victim)
            if victim is call:
                return False
        return True

    def hold(self, call: Call, blocks: int) -> None:
        call.blocks += blocks
        self.used += blocks
        self.holders.add(call.number)

    def end(self, batch: list[tuple[Call, int]], now: int) -> None:
        for call, part in batch:
            call.done += part
            if not call.is_decoding and call.done == call.prompt:
                call.is_decoding = True
                call.done += 1
                call.first_ns = now if call.first_ns is None else call.first_ns
            if call.done == call.prompt + call.output:
                call.last_ns = now
                self.used -= call.blocks
                self.holders.discard(call.number)
            else:
                self.kept.append(call)


def features(batch: list[tuple[Call, int]]) -> StepFeatures:
    prompts = [(call, part) for call, part in batch if not call.is_decoding]
    contexts = [call.done - 1 for call, _ in batch if call.is_decoding]
    return StepFeatures(
        chunk_tokens=sum(part for _, part in prompts),
        chunk_squares=sum(part**2 for _, part in prompts),
        prompt_count=len(prompts),
        prompt_context=sum(part * call.done for call, part in prompts),
        prompt_kv=sum(part + call.done for call, part in prompts),
        emitting=len(contexts) + sum(call.done + part == call.prompt for call, part in prompts),
        decoding=len(contexts),
        decode_kv=sum(contexts),
        longest_kv=max(contexts, default=0),
    )
