import types

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
import tensorflow_probability as tfp

from tf_wavegan_inv.config import LINE_SEARCHES
from tf_wavegan_inv.inversion import budget as budget_module
from tf_wavegan_inv.inversion import line_search as line_search_module
from tf_wavegan_inv.inversion.budget import Budget
from tf_wavegan_inv.inversion.lbfgs import LBFGS

pytestmark = pytest.mark.smoke


def quadratic(position, target):
    return tf.reduce_sum(tf.range(1.0, 6.0) * (position - target) ** 2, axis=-1)


def rosenbrock(position, target):
    x, y = position[:, 0], position[:, 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2 + 0 * target[:, 0]


@pytest.fixture(params=LINE_SEARCHES)
def line_search(request):
    return request.param


def test_finds_the_minimum_of_each_member(line_search):
    targets = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    found = LBFGS(quadratic, line_search=line_search).minimise(np.zeros((4, 5), np.float32), targets, budget=Budget(100))
    np.testing.assert_allclose(found.position, targets, atol=1e-4)
    assert all(status in ("converged", "stalled") for status in found.status)


def test_finds_the_minimum_of_a_curved_valley(line_search):
    found = LBFGS(rosenbrock, line_search=line_search).minimise(
        np.array([[-1.2, 1.0], [2.0, -2.0]], np.float32), np.zeros((2, 1), np.float32), budget=Budget(300)
    )
    np.testing.assert_allclose(found.position, 1, atol=1e-2)


def test_iterations_are_limited_and_reported():
    calls = []
    found = LBFGS(rosenbrock).minimise(
        np.array([[-1.2, 1.0]], np.float32), np.zeros((1, 1), np.float32), budget=Budget(15), progress=lambda *c: calls.append(c)
    )
    assert found.iterations.tolist() == [15] and found.status == ["max_iterations"] and calls[-1] == (15, 15)


def test_a_member_without_a_value_harms_no_other_and_leaves_no_nan(line_search):
    targets = np.ones((3, 5), np.float32)
    targets[1] = np.nan
    found = LBFGS(quadratic, line_search=line_search).minimise(np.zeros((3, 5), np.float32), targets, budget=Budget(50))
    np.testing.assert_allclose(found.position[[0, 2]], 1, atol=1e-4)
    assert np.isfinite(found.position).all()


def test_directions_are_those_of_the_bfgs_matrix():
    """tensorflow-probability's private function gives -H g, H being made of all remembered differences by the BFGS formula."""
    rng = np.random.default_rng(0)
    value_and_gradient = lambda x: (tf.reduce_sum(x**2, 1), 2 * x)  # noqa: E731
    state = line_search_module.begin(value_and_gradient, tf.constant(rng.normal(size=(3, 6)), tf.float64), tolerance=0.0)
    steps = rng.normal(size=(line_search_module.PAIRS, 3, 6))
    changes = steps + 0.3 * rng.normal(size=steps.shape)
    steps, changes = np.where(rng.random((line_search_module.PAIRS, 1, 1)) < 0.5, 0, (steps, changes))  # half of the memory is empty
    steps[-1] = changes[-1] = rng.normal(size=(3, 6))
    results = state.results._replace(position_deltas=tf.constant(steps), gradient_deltas=tf.constant(changes))
    directions = line_search_module._new_line(state._replace(results=results), tf.ones(3, tf.bool)).direction
    for member in range(3):
        s, y, gradient = steps[:, member], changes[:, member], results.objective_gradient[member].numpy()
        matrix = (s[-1] @ y[-1]) / (y[-1] @ y[-1]) * np.eye(6)
        for step, change in zip(s, y, strict=True):
            if step.any():
                left = np.eye(6) - np.outer(step, change) / (step @ change)
                matrix = left @ matrix @ left.T + np.outer(step, step) / (step @ change)
        np.testing.assert_allclose(directions[member], -matrix @ gradient, rtol=1e-9, atol=1e-9)


def test_is_traced_once(line_search):
    traces = []

    def objective(position, target):
        traces.append(1)
        return quadratic(position, target)

    minimiser = LBFGS(objective, line_search=line_search)
    rng = np.random.default_rng(0)
    for members in (2, 2, 7, 1):
        minimiser.minimise(np.zeros((members, 5), np.float32), rng.normal(size=(members, 5)).astype(np.float32), budget=Budget(30))
    assert len(traces) == 1


def test_members_do_not_wait_for_one_another():
    """An easy member and a hard one take as many evaluations together as alone, and end at the same place."""

    def objective(position, target):
        return tf.where(target[:, 0] > 0, rosenbrock(position, target), tf.reduce_sum(position**2, axis=1))

    start, target = np.array([[-1.2, 1.0], [3.0, -2.0]], np.float32), np.array([[1.0], [-1.0]], np.float32)
    minimiser = LBFGS(objective)
    together = minimiser.minimise(start, target, budget=Budget(200))
    for i in range(2):
        alone = minimiser.minimise(start[i : i + 1], target[i : i + 1], budget=Budget(200))
        assert together.evaluations[i] == alone.evaluations[0] and together.iterations[i] == alone.iterations[0]
        np.testing.assert_allclose(together.position[i], alone.position[0], atol=1e-5)
    assert together.evaluations[1] < 10 < together.evaluations[0]


def test_about_as_many_evaluations_as_scipy():
    start = np.array([-1.2, 1.0])
    theirs = scipy.optimize.minimize(scipy.optimize.rosen, start, jac=scipy.optimize.rosen_der, method="L-BFGS-B")
    ours = LBFGS(rosenbrock).minimise(start[None].astype(np.float32), np.zeros((1, 1), np.float32), budget=Budget(200))
    library = LBFGS(rosenbrock, line_search="hager_zhang").minimise(
        start[None].astype(np.float32), np.zeros((1, 1), np.float32), budget=Budget(200)
    )
    assert ours.value[0] < 1e-6 and library.value[0] < 1e-6
    assert ours.evaluations[0] < 1.5 * theirs.nfev and ours.evaluations[0] < library.evaluations[0]


def test_kinks_are_no_obstacle():
    """|x| has no gradient at its minimum, as an objective with ReLUs or absolute values."""
    target = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    found = LBFGS(lambda p, t: tf.reduce_sum(tf.range(1.0, 6.0) * tf.abs(p - t), axis=1)).minimise(
        np.zeros((3, 5), np.float32), target, budget=Budget(300)
    )
    np.testing.assert_allclose(found.position, target, atol=0.05)


def test_a_search_that_broke_down_restarts_at_its_best():
    """Beyond 2 the objective has no value: the first step, far too long, ends there."""

    def objective(position, target):
        value = tf.reduce_sum(1e4 * (position - 1) ** 2, axis=1)
        return tf.where(tf.reduce_max(tf.abs(position), axis=1) > 2, float("nan"), value) + 0 * target[:, 0]

    found = LBFGS(objective).minimise(np.full((2, 5), -1.9, np.float32), np.zeros((2, 1), np.float32), budget=Budget(100))
    np.testing.assert_allclose(found.position, 1, atol=1e-2)


def test_members_that_restart_keep_their_own_target():
    """Some break down and are put at the end of the batch; all have targets of their own."""
    targets = np.random.default_rng(2).uniform(-1, 1, (6, 5)).astype(np.float32)

    def objective(position, target):
        value = tf.reduce_sum(tf.range(1.0, 6.0) * (position - target[:, :5]) ** 2, axis=1)
        calls = target[:, 5]  # members with a mark have no value outside a small box: their searches break down
        return tf.where((calls > 0) & (tf.reduce_max(tf.abs(position), axis=1) > 1.05), float("nan"), value)

    marks = np.array([1, 0, 1, 0, 0, 1], np.float32)[:, None]
    found = LBFGS(objective).minimise(np.zeros((6, 5), np.float32), np.concatenate([targets, marks], axis=1), budget=Budget(200))
    np.testing.assert_allclose(found.position, targets, atol=1e-2)


def test_a_start_at_the_minimum_has_converged(line_search):
    target = np.ones((2, 5), np.float32)
    found = LBFGS(quadratic, line_search=line_search).minimise(target, target, budget=Budget(50))
    assert found.status == ["converged"] * 2 and found.evaluations.tolist() == [1, 1]
    np.testing.assert_array_equal(found.position, target)


def test_time_limit_keeps_what_was_found(line_search, monkeypatch):
    """By a clock that evaluations alone move: the limit falls between two chunks."""
    now = [0.0]
    monkeypatch.setattr(budget_module, "time", types.SimpleNamespace(monotonic=lambda: now[0]))

    def tick():
        now[0] += 0.01

    def slow(position, target):
        tf.py_function(tick, [], [])
        return rosenbrock(position, target)

    start, target = np.array([[-1.2, 1.0]], np.float32), np.zeros((1, 1), np.float32)
    minimiser = LBFGS(slow, line_search=line_search)
    minimiser.minimise(start, target, budget=Budget(1))
    began = now[0]
    found = minimiser.minimise(start, target, budget=Budget(10**6, seconds=0.05))
    assert found.status == ["time_limit"] and found.value[0] < 20 and 0 < found.iterations[0] < 100
    assert 0.05 < now[0] - began < 3
    none = minimiser.minimise(start, target, budget=Budget(10**6, seconds=0))
    np.testing.assert_array_equal(none.position, start)


def test_trajectory_goes_down_from_the_start():
    start = np.array([[-1.2, 1.0], [2.0, -2.0]], np.float32)
    found = LBFGS(rosenbrock).minimise(start, np.zeros((2, 1), np.float32), budget=Budget(60), trajectory=True)
    np.testing.assert_array_equal(found.trajectory[0].position, start)
    np.testing.assert_array_equal(found.trajectory[-1].position, found.position)
    assert (np.diff([w.value for w in found.trajectory], axis=0) <= 0).all()
    assert (np.diff([w.iterations for w in found.trajectory], axis=0) >= 0).all()


@pytest.mark.parametrize("objective", [quadratic, rosenbrock])
def test_hager_zhang_is_the_library_as_it_is(objective):
    """In chunks, and with members that leave the batch, it goes the way of one call of `lbfgs_minimize`."""
    rng = np.random.default_rng(3)
    size = 5 if objective is quadratic else 2
    start, target = (rng.normal(size=(3, size)).astype(np.float32) for _ in range(2))
    iterations = 27

    def value_and_gradient(position):
        with tf.GradientTape() as tape:
            tape.watch(position)
            value = objective(position, target)
        return value, tape.gradient(value, position)

    whole = tfp.optimizer.lbfgs_minimize(value_and_gradient, start, tolerance=1e-7, max_iterations=iterations)
    found = LBFGS(objective, line_search="hager_zhang").minimise(start, target, budget=Budget(iterations))
    assert found.iterations.max() == whole.num_iterations
    assert found.evaluations.max() == whole.num_objective_evaluations
    np.testing.assert_allclose(found.position, whole.position, atol=1e-5)
    np.testing.assert_allclose(found.value, whole.objective_value, atol=1e-5)
