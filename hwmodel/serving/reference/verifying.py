"""Speculative decoding told literally: a decoding call asks for its drafts, too; what is rejected is rolled back."""

from hwmodel.serving.engine import EngineSettings, Speculation, accepted_drafts
from hwmodel.serving.reference.request import Request
from hwmodel.serving.reference.scheduler import Scheduler, Share


class VerifyingScheduler(Scheduler):
    """One replica whose decoding calls have drafts.

    A decoding call asks for its newest token and as many drafts as there may be, but for no more than its answer has
    tokens left; the budget may cut drafts off. Blocks cover them all. When the step ends, the accepted ones and one
    more token are the call's; the rest is rolled back: its computed tokens go back, its blocks stay. A block's content
    can be found once all its tokens were the call's when it was scheduled.
    """

    def __init__(self, settings: EngineSettings, speculation: Speculation) -> None:
        """An empty replica."""
        super().__init__(settings)
        self.speculation = speculation
        self.verified_count = 0
        self.drafted_tokens = 0
        self.accepted_tokens = 0

    def _asks_for(self, request: Request) -> int:
        if not request.is_decoding:
            return super()._asks_for(request)
        return min(1 + self.speculation.tokens_count, request.output_tokens - request.generated_tokens)

    def _emits(self, share: Share) -> int:
        if not share.is_decode:
            return 1
        request, drafts, law = share.request, share.tokens - 1, self.speculation
        accepted = accepted_drafts(law.table, law.seed, request.number, request.generated_tokens, drafts)
        request.computed_tokens -= drafts - accepted
        self.verified_count += 1
        self.drafted_tokens += drafts
        self.accepted_tokens += accepted
        return 1 + accepted
