"""Further scenarios of a search: each replayed in a cell of its own, with a model learned from these replays."""

from collections.abc import Mapping, Sequence

import numpy as np

from hwmodel.catalog import DesignTable
from hwmodel.costmodel import Recalibration, Training, fit_cost_model
from hwmodel.design.errors import NoDeployment
from hwmodel.design.scenario import Scenario
from hwmodel.design.scenarios import in_cell
from hwmodel.design.scoring import Scored, closed_form_of
from hwmodel.design.search.outcome import TARGETS
from hwmodel.design.search.plan import CURVE, EvaluationLog, SearchPlan
from hwmodel.design.search.replays import Replays
from hwmodel.design.search.result import ScenarioModel
from hwmodel.design.search.targets import closed_targets, inputs_of, learnable
from hwmodel.design.space import DesignSpace
from hwmodel.serving import EmptyDemand


def cell_of(other: Scenario, plan: SearchPlan) -> Scenario | None:
    """A further scenario as it is replayed; None where the baseline cannot serve it, or no session is left of it."""
    try:
        return in_cell(
            other,
            replicas_count=plan.elsewhere_replicas_count,
            seed=plan.seed,
            most_calls_count=plan.elsewhere_calls_count,
        )
    except (NoDeployment, EmptyDemand):
        return None


def rows_elsewhere(scored: Scored, name: str, best_today: Sequence[int], count: int) -> list[int]:
    """Designs to replay on a further scenario: the best of today, and the one that the closed form likes best there.

    Not the baseline, which is replayed anyway.
    """
    value = scored.of(name).value_per_usd_ratio.copy()
    value[list(scored.row_of_baseline)] = -np.inf
    own = int(np.argmax(value))
    kept = [row for row in best_today if row != own and row not in scored.row_of_baseline][: count - 1]
    return [*kept, own]


def learned_elsewhere(
    space: DesignSpace,
    scored: Scored,
    other: Scenario,
    rows: Sequence[int],
    *,
    plan: SearchPlan,
    log: EvaluationLog,
    recalibration: Mapping[str, Recalibration],
    sample_sd: float | None,
) -> ScenarioModel | None:
    """Replay the baseline and a few designs on a further scenario, and learn from that.

    Args:
        space: Around the incumbent.
        scored: Knows the scenario's closed form.
        other: As it was scored: calls carry weights.
        rows: Designs to replay.
        plan: Size of the cell.
        log: Recalls what an earlier run finished, keeps what is new.
        recalibration: By target, what picked designs have shown on the first scenario.
        sample_sd: See `Training`.

    Returns:
        None where the baseline cannot serve the scenario, which then is judged in closed form alone.
    """
    cell = cell_of(other, plan)
    if cell is None:
        return None
    replays = Replays.of(cell, log)
    designs = [space.baseline, *(scored.designs.row(row) for row in rows)]
    base, *outcomes = replays.outcomes(designs)
    if base.numbers is None:
        return None
    closed = closed_form_of(DesignTable.of(designs), other)
    base_closed = closed.take(np.array([0]))
    if min(base.curves[CURVE], float(base_closed.value_per_usd_ratio[0])) <= 0.0:
        return None
    able = np.array([0, *(at for at, one in enumerate(outcomes, 1) if one.numbers is not None)])
    replayed = [[base, *outcomes][at] for at in able.tolist()]
    features = np.concatenate([space.features(space.base_point[None, :]), scored.features[list(rows)]])
    of_base = {name: base.curves[name] for name in TARGETS}
    of_all = closed_targets(DesignTable.of(designs), closed, other, of_base)
    known = Training(
        scenario=other.name,
        snapshot=replays.snapshot,
        inputs=inputs_of(features, closed, base_closed)[able],
        closed={name: of_all[name][able] for name in TARGETS},
        replayed={name: np.array([one.curves[name] for one in replayed]) for name in TARGETS},
        recalibration=recalibration,
        sample_sd=sample_sd,
    )
    training = learnable(known)
    if training is None:
        return None
    model = fit_cost_model(training)
    log.trained(model.stamp)
    return ScenarioModel(scenario=other, baseline=base, base_closed=base_closed, model=model, replays=replays)
