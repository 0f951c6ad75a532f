"""The last digits of z."""

import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv.inversion import gauss_newton
from tf_wavegan_inv.inversion.budget import Budget
from tf_wavegan_inv.inversion.gauss_newton import GaussNewton
from tf_wavegan_inv.models.generator import AnyGenerator


def start_of(z):
    """Positions [clips, latent_dim + 1] at z and a gain of 1."""
    return np.concatenate([z, np.zeros((len(z), 1))], 1).astype(np.float32)


def target_of(audio, free=0.0):
    return {
        "audio": np.asarray(audio),
        "power": np.square(audio, dtype=np.float64).sum(axis=(1, 2)).astype(np.float32),
        "free": np.full(len(audio), free, np.float32),
    }


@pytest.fixture
def stretched():
    """A generator with some directions of a thousand times less effect than others."""
    rng = np.random.default_rng(0)
    directions, _ = np.linalg.qr(rng.normal(size=(64, 8)))
    turned, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    matrix = tf.constant(turned @ (np.geomspace(1, 1e-3, 8)[:, None] * directions.T), tf.float32)
    return AnyGenerator(lambda z: tf.tanh(z @ matrix), 8, latent_range=(-1, 1))


def test_directions_of_little_audible_effect_are_recovered_too(stretched):
    rng = np.random.default_rng(1)
    z = rng.uniform(-1, 1, (4, 8)).astype(np.float32)
    start = start_of(z + rng.normal(size=z.shape) / 3)
    position, error, iterations = GaussNewton(stretched)(start, target_of(stretched(z)))
    np.testing.assert_allclose(position[:, :-1], z, atol=1e-2)
    assert (error < 1e-10).all() and (iterations > 0).all()


def test_z_outside_its_range_is_recovered(generator, latents):
    z = latents(2)
    z[:, 3] = 1.4
    position, error, _ = GaussNewton(generator)(start_of(z + np.float32(0.02)), target_of(generator(z)))
    np.testing.assert_allclose(position[:, :-1], z, atol=1e-2)
    assert (error < 1e-8).all()


@pytest.mark.parametrize("free", [0.0, 1.0])
def test_the_gain_counts_where_it_is_free(stretched, free):
    z = np.random.default_rng(1).uniform(-1, 1, (2, 8)).astype(np.float32)
    position, error, _ = GaussNewton(stretched)(start_of(z), target_of(0.5 * stretched(z), free))
    if free:
        np.testing.assert_allclose(np.exp(position[:, -1]), 0.5, rtol=1e-2)
        assert (error < 1e-9).all()
    else:
        assert (position[:, -1] == 0).all()


def test_iterations_are_limited(stretched, monkeypatch):
    monkeypatch.setattr(gauss_newton, "CYCLES", 2)
    z = np.random.default_rng(1).uniform(-1, 1, (2, 8)).astype(np.float32)
    _, _, iterations = GaussNewton(stretched)(start_of(-z), target_of(stretched(z)), budget=Budget(5))
    assert (iterations <= 10).all()
