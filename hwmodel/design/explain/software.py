"""What software alone would buy: settings of the serving engine and number formats, on any chip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float
from joblib import Parallel, delayed

from hwmodel.catalog import ChipDesign, Deployment, DesignTable, Dtype
from hwmodel.design.evaluate import evaluate_many
from hwmodel.design.explain.corners import Replays
from hwmodel.design.explain.worth import Worth
from hwmodel.design.scenario import Scenario
from hwmodel.design.search import CURVE
from hwmodel.serving.engine import Speculation

MAX_SEQUENCES = (64, 128, 256, 512)
TOKEN_BUDGETS = (1024, 2048, 4096, 8192)
ACTIVATIONS: tuple[Dtype, ...] = ("bf16", "fp8")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareOption:
    """Settings that need no new chip."""

    max_sequences_count: int
    max_batched_tokens: int
    activation_dtype: Dtype
    """Format in which matrix units multiply; fp8 may change answers."""
    speculation: Speculation | None = None
    """Drafts by a head of one more layer of the LLM."""

    @property
    def is_risky(self) -> bool:
        """Whether it can change model quality more than today's settings do.

        Drafts of a head do not: with rejection sampling answers keep their distribution whatever drafts are
        (appendix A.1 of docs/sources.md: leviathan2023).
        """
        return self.activation_dtype != Deployment(tp_count=1).activation_dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareGain:
    """The best option of one chip, against the unchanged chip with today's settings."""

    chip: str
    option: SoftwareOption
    closed_form_ratio: float
    replayed_ratio: float | None
    """None where the replay found no fleet, or was not asked."""
    scored_count: int
    """Options scored in closed form: all of them."""
    replayed_count: int
    """Options replayed for this chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One option on one chip."""

    chip: int
    option: SoftwareOption
    closed: float
    """Closed form over the unchanged chip with today's settings."""
    value: float | None
    """Replayed value per dollar; None where no fleet keeps the promises."""


def options() -> tuple[SoftwareOption, ...]:
    """Every combination of the settings."""
    return tuple(
        SoftwareOption(max_sequences_count=sequences, max_batched_tokens=tokens, activation_dtype=activation)
        for sequences, tokens, activation in product(MAX_SEQUENCES, TOKEN_BUDGETS, ACTIVATIONS)
    )


def with_software(scenario: Scenario, option: SoftwareOption) -> Scenario:
    """The scenario served with other settings."""
    return replace(
        scenario,
        pools=tuple(
            replace(
                pool,
                formats=replace(pool.formats, activation_dtype=option.activation_dtype),
                speculation=option.speculation,
                scheduler=replace(
                    pool.scheduler,
                    max_sequences_count=option.max_sequences_count,
                    max_batched_tokens=option.max_batched_tokens,
                ),
            )
            for pool in scenario.pools
        ),
    )


def software_gains(
    chips: Sequence[tuple[str, ChipDesign]],
    replays: Replays,
    *,
    replays_count: int,
    drafts: Speculation | None = None,
) -> tuple[SoftwareGain, ...]:
    """The best settings of each chip without and with more quality risk, over the first chip with today's settings.

    Every option is scored in closed form, so the search of options is complete; of each chip the best ones are
    replayed on the same demand with the same limits, as many for one chip as for the other, beside today's settings.
    The tensor-parallel width is chosen anew for every option, as the replay does for every design. Drafts are replayed
    with today's other settings: the closed form does not know of them.

    Args:
        chips: Names and designs, the unchanged chip first.
        replays: Of today's scenario with today's settings.
        replays_count: Options replayed per chip and risk, today's settings not counted.
        drafts: Speculation by a head that is offered, too, to every chip alike; not offered if left out.
    """
    scenario = replays.scenario
    worth = Worth(designs=DesignTable.of([design for _, design in chips]))
    closed = {option: worth.of(with_software(scenario, option)) for option in options()}
    of_today = worth.of(scenario)
    asked = [
        (at, option)
        for at in range(len(chips))
        for is_risky in (False, True)
        for option in _best_closed(closed, at, is_risky=is_risky, known=option_of(scenario))[:replays_count]
    ]
    asked += [(at, replace(option_of(scenario), speculation=drafts)) for at in range(len(chips)) if drafts is not None]
    side_by_side = Parallel(n_jobs=2, prefer="threads")
    told = side_by_side(delayed(_replayed)(chips[at][1], with_software(scenario, option)) for at, option in asked)
    tried = [
        Tried(chip=at, option=option, closed=float(closed.get(option, of_today)[at] / of_today[0]), value=value)
        for (at, option), value in zip(asked, told, strict=True)
    ]
    usual = [None if e is None else e.curves[CURVE] for e in replays.of([design for _, design in chips])]
    tried += [
        Tried(chip=at, option=option_of(scenario), closed=float(of_today[at] / of_today[0]), value=value)
        for at, value in enumerate(usual)
    ]
    groups = [
        (name, [t for t in tried if t.chip == at and t.option.is_risky is is_risky])
        for at, (name, _) in enumerate(chips)
        for is_risky in (False, True)
    ]
    return tuple(_gain(name, group, usual[0]) for name, group in groups if group)


def option_of(scenario: Scenario) -> SoftwareOption:
    """Today's settings, as the first pool has them."""
    pool = scenario.pools[0]
    return SoftwareOption(
        max_sequences_count=pool.scheduler.max_sequences_count,
        max_batched_tokens=pool.scheduler.max_batched_tokens,
        activation_dtype=pool.formats.activation_dtype,
        speculation=pool.speculation,
    )


def _best_closed(
    closed: Mapping[SoftwareOption, Float[np.ndarray, "chips"]], chip: int, *, is_risky: bool, known: SoftwareOption
) -> list[SoftwareOption]:
    """Options that the closed form finds able, the best first; the known one is replayed already."""
    able = [o for o, values in closed.items() if o.is_risky is is_risky and values[chip] > 0.0 and o != known]
    return sorted(able, key=lambda option: -float(closed[option][chip]))


def _gain(chip: str, tried: Sequence[Tried], unchanged: float | None) -> SoftwareGain:
    """The option that the replay likes best."""
    best = max(tried, key=lambda one: one.value or 0.0)
    return SoftwareGain(
        chip=chip,
        option=best.option,
        closed_form_ratio=best.closed,
        replayed_ratio=best.value / unchanged if best.value is not None and unchanged else None,
        scored_count=len(options()),
        replayed_count=len(tried),
    )


def _replayed(design: ChipDesign, scenario: Scenario) -> float | None:
    """Value per dollar by replay; None where no fleet keeps the promises."""
    found = evaluate_many([design], scenario, workers_count=1)[0]
    return None if found is None else found.curves[CURVE]
