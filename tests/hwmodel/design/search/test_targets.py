"""What a cost model may be fitted on, and what it sees of designs that cannot serve."""

from dataclasses import replace

import numpy as np

from hwmodel.costmodel import Training, fit_cost_model
from hwmodel.design import CURVE, ClosedForm
from hwmodel.design.search.targets import inputs_of, learnable

COUNT = 8
WAIT = "tpot_p95_s"


def training(**replayed: list[float]) -> Training:
    values = {CURVE: np.linspace(1.0, 2.0, COUNT), WAIT: np.full(COUNT, 0.02)}
    return Training(
        scenario="api burst",
        snapshot="abc",
        inputs=np.random.default_rng(0).normal(size=(COUNT, 3)),
        closed={CURVE: np.ones(COUNT), WAIT: np.full(COUNT, 0.02)},
        replayed=values | {name: np.array(one) for name, one in replayed.items()},
    )


def test_a_wait_that_nobody_has_is_not_learned_and_the_value_is() -> None:
    known = learnable(training(**{WAIT: [float("nan")] * COUNT}))
    assert known is not None
    assert set(known.replayed) == {CURVE}
    assert set(fit_cost_model(known).residuals) == {CURVE}


def test_designs_that_the_closed_form_or_the_replay_cannot_serve_are_left_out() -> None:
    told = training(**{CURVE: [0.0, *np.linspace(1.0, 2.0, COUNT - 1)]})
    closed = dict(told.closed) | {CURVE: np.array([1.0, 0.0, *np.ones(COUNT - 2)])}
    known = learnable(replace(told, closed=closed))
    assert known is not None
    assert len(known.inputs) == COUNT - 2
    assert set(known.replayed) == {CURVE, WAIT}


def test_without_any_value_there_is_nothing_to_learn() -> None:
    assert learnable(training(**{CURVE: [0.0] * COUNT})) is None


def test_inputs_are_finite_where_a_pool_cannot_be_served() -> None:
    form = ClosedForm(
        value_per_usd_ratio=np.array([1.0, 0.0]),
        value_usd_per_j=np.array([1.0, 0.0]),
        chips_by_pool=np.array([[4.0], [np.inf]]),
        tp_by_pool=np.array([[2.0], [8.0]]),
    )
    assert np.isfinite(inputs_of(np.zeros((2, 3)), form, form.take(np.array([0])))).all()
