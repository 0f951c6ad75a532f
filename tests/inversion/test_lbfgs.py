import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.lbfgs import LBFGS


def quadratic(position, target):
    return tf.reduce_sum(tf.range(1.0, 6.0) * (position - target) ** 2, axis=-1)


def rosenbrock(position, target):
    x, y = position[:, 0], position[:, 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2 + 0 * target[:, 0]


def test_finds_the_minimum_of_each_member():
    targets = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    found = LBFGS(quadratic).minimise(np.zeros((4, 5), np.float32), targets, 100)
    np.testing.assert_allclose(found.position, targets, atol=1e-4)
    assert all(status in ("converged", "stalled") for status in found.status)


def test_finds_the_minimum_of_a_curved_valley():
    found = LBFGS(rosenbrock).minimise(np.array([[-1.2, 1.0], [2.0, -2.0]], np.float32), np.zeros((2, 1), np.float32), 300)
    np.testing.assert_allclose(found.position, 1, atol=1e-2)


def test_iterations_are_limited_and_reported():
    calls = []
    found = LBFGS(rosenbrock).minimise(np.array([[-1.2, 1.0]], np.float32), np.zeros((1, 1), np.float32), 15, lambda *c: calls.append(c))
    assert found.iterations.tolist() == [15] and found.status == ["max_iterations"] and calls[-1] == (15, 15)


def test_a_member_without_a_value_harms_no_other_and_leaves_no_nan():
    targets = np.ones((3, 5), np.float32)
    targets[1] = np.nan
    found = LBFGS(quadratic).minimise(np.zeros((3, 5), np.float32), targets, 50)
    np.testing.assert_allclose(found.position[[0, 2]], 1, atol=1e-4)
    assert np.isfinite(found.position).all()


def test_is_traced_once():
    traces = []

    def objective(position, target):
        traces.append(1)
        return quadratic(position, target)

    minimiser = LBFGS(objective)
    minimiser.minimise(np.zeros((2, 5), np.float32), np.ones((2, 5), np.float32), 30)
    before = len(traces)
    for seed in range(3):
        minimiser.minimise(np.zeros((2, 5), np.float32), np.random.default_rng(seed).normal(size=(2, 5)).astype(np.float32), 30)
    assert len(traces) == before
