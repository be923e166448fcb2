"""Random cases with drafts, served by both schedulers."""

from dataclasses import dataclass, replace

import numpy as np

from hwmodel.serving.engine import EngineRun, Speculation
from hwmodel.serving.reference import Replay
from hwmodel.serving.speculative import replay_speculating
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.serving.weighted_cost import WeightedCost
from tests.hwmodel.serving.engine_cases import EngineCase, Watch, random_case


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedCase:
    """A case, and the drafts with which it is served."""

    case: EngineCase
    speculation: Speculation


def random_drafted(seed: int, *, most_calls: int = 120) -> DraftedCase:
    """A case under pressure with up to six drafts; in every third the budget is hardly more than one call asks for."""
    rng = np.random.default_rng(10**6 + seed)
    case = random_case(seed, most_calls=most_calls)
    drafts = int(rng.choice([1, 2, 3, 6]))
    chances = np.sort(rng.random(drafts))[::-1] * rng.choice([0.0, 0.5, 1.0, 1.0])
    if rng.random() < 0.2:
        chances[: drafts // 2 + 1] = 1.0
    engine = case.settings
    if rng.random() < 0.4:
        sequences = int(rng.integers(1, drafts + 2))
        engine = replace(
            engine, max_sequences_count=sequences, max_batched_tokens=max(sequences, drafts + int(rng.integers(0, 4)))
        )
    dear = WeightedCost(case.cost.base_ns, case.cost.weights._replace(draft_tokens=int(rng.choice([0, 17]))))
    return DraftedCase(
        case=replace(case, settings=engine, cost=dear),
        speculation=Speculation(chances=tuple(chances.tolist()), seed=int(rng.integers(0, 2**31))),
    )


def drafted_literally(drafted: DraftedCase, watch: Watch | None = None) -> EngineRun:
    case = drafted.case

    def taken_ns(features: StepFeatures) -> int:
        return step_ns(case.cost, features)

    return Replay(case.calls, case.settings, taken_ns, case.replicas_count, drafted.speculation).run(watch)


def drafted_fast(drafted: DraftedCase) -> EngineRun:
    case = drafted.case
    return replay_speculating(
        case.calls, case.settings, case.cost, drafted.speculation, replicas_count=case.replicas_count
    )
