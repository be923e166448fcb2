"""What software alone would buy: settings of the serving engine and number formats, on any chip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from hwmodel.catalog import ChipDesign, Deployment, DesignTable
from hwmodel.design.evaluate import evaluate_many
from hwmodel.design.scenario import Scenario
from hwmodel.design.scoring import closed_form_value
from hwmodel.design.search import CURVE

MAX_SEQUENCES = (64, 128, 256, 512)
TOKEN_BUDGETS = (512, 1024, 2048, 4096, 8192)
ACTIVATIONS = ("bf16", "fp8")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareOption:
    """Settings that need no new chip."""

    max_sequences_count: int
    max_batched_tokens: int
    activation_dtype: str
    """Format in which matrix units multiply; fp8 may change answers."""

    @property
    def is_risky(self) -> bool:
        """Whether it can change model quality more than today's settings do."""
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
    chips: Sequence[tuple[str, ChipDesign]], scenario: Scenario, *, replays_count: int
) -> tuple[SoftwareGain, ...]:
    """The best settings of each chip without and with more quality risk, over the first chip with today's settings.

    Every option is scored in closed form, so the search of options is complete; of each chip the best ones are
    replayed on the same demand with the same limits, as many for one chip as for the other. The tensor-parallel width
    is chosen anew for every option, as the replay does for every design.

    Args:
        chips: Names and designs, the unchanged chip first.
        scenario: A scenario that can be replayed.
        replays_count: Options replayed per chip and risk.
    """
    table = DesignTable.of([design for _, design in chips])
    every = options()
    worth = {option: closed_form_value(table, with_software(scenario, option)) for option in every}
    of_today = float(closed_form_value(table, scenario)[0])
    unchanged = _replayed(chips[0][1], scenario, None)
    gains = []
    for at, (name, design) in enumerate(chips):
        for is_risky in (False, True):
            able = [option for option in every if option.is_risky is is_risky and worth[option][at] > 0.0]
            best = sorted(able, key=lambda option: -float(worth[option][at]))[:replays_count]
            tried = [(option, _replayed(design, scenario, option)) for option in best]
            gains += _best(name, tried, unchanged, {o: float(worth[o][at]) / of_today for o in best}, len(every))
    return tuple(gains)


def _best(
    chip: str,
    tried: Sequence[tuple[SoftwareOption, float | None]],
    unchanged: float | None,
    closed: dict[SoftwareOption, float],
    scored_count: int,
) -> list[SoftwareGain]:
    """The option that the replay likes best; without any replay the closed form's."""
    if not tried:
        return []
    option, value = max(tried, key=lambda pair: pair[1] or 0.0)
    return [
        SoftwareGain(
            chip=chip,
            option=option,
            closed_form_ratio=closed[option],
            replayed_ratio=value / unchanged if value is not None and unchanged else None,
            scored_count=scored_count,
            replayed_count=len(tried),
        )
    ]


def _replayed(design: ChipDesign, scenario: Scenario, option: SoftwareOption | None) -> float | None:
    """Value per dollar by replay; None where no fleet keeps the promises."""
    found = evaluate_many([design], scenario if option is None else with_software(scenario, option))[0]
    return None if found is None else found.curves[CURVE]
