"""Other ways to spend the same replays: at random, in the closed form's order, by NSGA-II and by TPE."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float

from hwmodel.design.search import Candidates, pareto_order

POPULATION = 16
MOST_ASKED_COUNT = 20_000
"""Designs that a rival may ask for; those that break a limit and those it asked for before cost it no replay."""

MOST_TRIALS_COUNT = 240
"""Trials of TPE, whose cost grows with their square; what is missing then is drawn at random."""

Values = Float[np.ndarray, "designs 2"]
Rival = Callable[[Candidates, Values, int, int], list[int]]
"""Candidates, what a replay says, replays, seed -> rows in the order in which they are replayed."""


def at_random(candidates: Candidates, _values: Values, count: int, seed: int) -> list[int]:
    """Designs drawn without replacement."""
    drawn: list[int] = np.random.default_rng(seed).permutation(len(candidates))[:count].tolist()
    return drawn


def in_closed_form_order(candidates: Candidates, _values: Values, count: int, _seed: int) -> list[int]:
    """Front after front of the closed form; nothing is learned."""
    order: list[int] = pareto_order(candidates.closed)[:count].tolist()
    return order


class _Asked:
    """Levels of a design -> its objectives; remembers which designs were replayed, in order."""

    def __init__(self, candidates: Candidates, values: Values) -> None:
        found = [np.unique(column, return_inverse=True) for column in candidates.points.T]
        self.free = [at for at, (levels, _) in enumerate(found) if len(levels) > 1]
        self.levels_count = [len(found[at][0]) for at in self.free]
        codes = np.stack([found[at][1] for at in self.free], axis=1)
        self._row_of = {tuple(code): row for row, code in enumerate(codes.tolist())}
        self._values = values
        self.replayed: dict[int, None] = {}

    def __call__(self, code: tuple[int, ...]) -> tuple[float, float] | None:
        row = self._row_of.get(code)
        if row is None:
            return None
        self.replayed.setdefault(row)
        first, second = self._values[row]
        return (float(first), float(second)) if np.isfinite(first + second) else None


def nsga2(candidates: Candidates, values: Values, count: int, seed: int) -> list[int]:
    """NSGA-II over the levels of each parameter; a design that breaks a limit is told as one that breaks it by 1."""
    from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: PLC0415 - an optional extra
    from pymoo.core.evaluator import Evaluator  # noqa: PLC0415
    from pymoo.core.problem import Problem  # noqa: PLC0415
    from pymoo.operators.crossover.sbx import SBX  # noqa: PLC0415
    from pymoo.operators.mutation.pm import PM  # noqa: PLC0415
    from pymoo.operators.repair.rounding import RoundingRepair  # noqa: PLC0415
    from pymoo.operators.sampling.rnd import IntegerRandomSampling  # noqa: PLC0415
    from pymoo.problems.static import StaticProblem  # noqa: PLC0415

    asked = _Asked(candidates, values)
    most = np.array(asked.levels_count) - 1
    problem = Problem(n_var=len(most), n_obj=2, n_ieq_constr=1, xl=np.zeros_like(most), xu=most, vtype=int)
    whole = RoundingRepair()
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=15, vtype=float, repair=whole),
        mutation=PM(eta=20, vtype=float, repair=whole),
        eliminate_duplicates=True,
    )
    algorithm.setup(problem, termination=("n_eval", MOST_ASKED_COUNT), seed=seed, verbose=False)
    while len(asked.replayed) < count and algorithm.has_next():
        batch = algorithm.ask()
        told = [asked(tuple(int(level) for level in code)) for code in batch.get("X")]
        wanted = np.array([(0.0, 0.0) if one is None else (-one[0], -one[1]) for one in told])
        broken = np.array([[1.0 if one is None else -1.0] for one in told])
        Evaluator().eval(StaticProblem(problem, F=wanted, G=broken), batch)
        algorithm.tell(infills=batch)
    return list(asked.replayed)[:count]


def tpe(candidates: Candidates, values: Values, count: int, seed: int) -> list[int]:
    """Multi-objective TPE over the levels of each parameter; a design that breaks a limit is a failed trial."""
    import optuna  # noqa: PLC0415 - an optional extra

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    asked = _Asked(candidates, values)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=POPULATION)
    study = optuna.create_study(directions=["maximize", "maximize"], sampler=sampler)
    for _ in range(MOST_TRIALS_COUNT):
        if len(asked.replayed) >= count:
            break
        trial = study.ask()
        code = tuple(trial.suggest_int(f"p{at}", 0, most - 1) for at, most in enumerate(asked.levels_count))
        found = asked(code)
        if found is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, list(found))
    others = [row for row in at_random(candidates, values, len(candidates), seed) if row not in asked.replayed]
    return [*asked.replayed, *others][:count]


def rivals() -> Mapping[str, Rival]:
    """Those that can run here, by method."""
    found: dict[str, Rival] = {"analytic": in_closed_form_order, "random": at_random}
    optional: dict[str, tuple[str, Any]] = {"nsga2": ("pymoo", nsga2), "tpe": ("optuna", tpe)}
    return found | {name: rival for name, (package, rival) in optional.items() if find_spec(package) is not None}
