"""A replay that costs nothing: evaluations made out of one real one, their value a smooth function of the design."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module

import numpy as np
import pytest

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.costmodel import ModelStamp
from hwmodel.design import (
    CURVE,
    DesignSpace,
    Evaluation,
    Outcome,
    Scenario,
    closed_form_value,
    evaluate,
    space_around,
)
from hwmodel.physical import tco
from tests.hwmodel.design.planted import h100

FREE = {"cores_count", "clock_hz", "l2_bytes", "hbm_stacks_count", "hbm_generation"}


def small_space() -> DesignSpace:
    """720 points: all levels of five parameters, the others fixed at the baseline's."""
    space = space_around(h100())
    base = space.values_of_baseline()
    return replace(
        space, parameters=tuple(p if p.name in FREE else replace(p, levels=(base[p.name],)) for p in space.parameters)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapReplay:
    """Stands in for `evaluate`: closed form times a planted ratio, which likes stacks and dislikes cores."""

    scenario: Scenario
    real: Evaluation
    too_slow: frozenset[str] = frozenset()
    gain_log: float = 0.05
    calls: list[str] = field(default_factory=list)
    """Names of the designs in the order in which they were replayed."""

    def evaluate(self, design: ChipDesign, scenario: Scenario) -> Evaluation:
        self.calls.append(f"{scenario.name}:{design.name}")
        table = DesignTable.of([design])
        more_stacks = np.log2(design.hbm_stacks_count / h100().hbm_stacks_count)
        more_cores = np.log2(design.cores_count / h100().cores_count)
        ratio = np.exp(self.gain_log * more_stacks - self.gain_log * more_cores)
        usd_per_chip_h = float(tco(table).typical_usd_per_chip_h[0])
        value = float(closed_form_value(table, self.scenario)[0] * ratio * usd_per_chip_h * self.real.chips_needed)
        part = self.real.pools[0]
        scaled = part.value_by_surface * (value / part.value_by_surface.sum())
        return replace(
            self.real,
            design=design,
            scenario=scenario.name,
            pools=(replace(part, value_by_surface=scaled),),
            usd_per_chip_h=usd_per_chip_h,
        )

    def evaluate_many(self, designs: Sequence[ChipDesign], scenario: Scenario) -> list[Evaluation | None]:
        return [None if d.name in self.too_slow else self.evaluate(d, scenario) for d in designs]

    def evaluate_each(
        self, designs: Sequence[ChipDesign], scenario: Scenario
    ) -> Iterator[tuple[int, Evaluation | None]]:
        yield from enumerate(self.evaluate_many(designs, scenario))

    def take_over(self, patch: pytest.MonkeyPatch) -> None:
        for module in ("search.run", "search.replays", "recommend"):
            room = import_module(f"hwmodel.design.{module}")
            for name in ("evaluate", "evaluate_many", "evaluate_each"):
                if hasattr(room, name):
                    patch.setattr(room, name, getattr(self, name))
        replays = import_module("hwmodel.design.search.replays")
        patch.setattr(replays, "billed_shares", lambda _: {"hbm": 0.7, "matrix": 0.3})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """`EvaluationLog` and `Progress` that remember what they were told, in order."""

    heard: list[tuple[str, str, str]] = field(default_factory=list)
    """What, design, purpose."""
    predictions: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)
    ratios: dict[tuple[str, str], float] = field(default_factory=dict)
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    stamps: list[ModelStamp] = field(default_factory=list)
    store: dict[tuple[str, str, str], Outcome] = field(default_factory=dict)
    """By design, scenario and snapshot: what a further search may recall."""

    def predicted(self, design: ChipDesign, prediction: tuple[float, float, float], purpose: str) -> None:
        self.heard.append(("predicted", design.name, purpose))
        self.predictions[purpose, design.name] = prediction

    def trained(self, stamp: ModelStamp) -> None:
        self.stamps.append(stamp)

    def recalled(self, design: ChipDesign, scenario: str, snapshot: str) -> Outcome | None:
        return self.store.get((design.name, scenario, snapshot))

    def kept(self, outcome: Outcome, snapshot: str) -> None:
        self.store[outcome.design.name, outcome.scenario, snapshot] = outcome

    def evaluated(self, evaluation: Evaluation | Outcome, ratio: float, purpose: str) -> None:
        self.heard.append(("evaluated", evaluation.design.name, purpose))
        self.ratios[purpose, evaluation.design.name] = ratio

    def advance(self, stage: str, done: int, total: int) -> None:
        self.steps.append((stage, done, total))


def cheap(scenario: Scenario, **changes: object) -> CheapReplay:
    made = CheapReplay(scenario=scenario, real=evaluate(h100(), scenario))
    return replace(made, **changes)  # type: ignore[arg-type]


def true_ratio(replayed: CheapReplay, design: ChipDesign) -> float:
    """What the planted replay says of a design, over the baseline."""
    found, base = (replayed.evaluate(d, replayed.scenario) for d in (design, h100()))
    return found.curves[CURVE] / base.curves[CURVE]
