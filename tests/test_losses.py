import numpy as np
import pytest

from tf_wavegan_inv.losses import (
    QUIET,
    cross_entropy,
    difference,
    latent_loss,
    perceptual_loss,
    prior_distance,
    range_penalty,
    waveform_loss,
)


def test_latent_loss_is_one_mean_a_clip():
    np.testing.assert_allclose(latent_loss(np.zeros((2, 4)), np.array([[1.0, 1, 1, 1], [0, 0, 0, 2]])), [1, 1])


def test_waveform_loss_is_relative_to_each_clips_power():
    audio = np.random.default_rng(0).normal(size=(3, 50, 2)).astype(np.float32) * np.array([[[1]], [[100]], [[0]]], np.float32)
    np.testing.assert_allclose(waveform_loss(audio, 0 * audio), [1, 1, 0], rtol=1e-5)
    np.testing.assert_allclose(waveform_loss(audio, 0.9 * audio), [0.01, 0.01, 0], rtol=1e-4)


def test_a_nearly_silent_clip_does_not_outweigh_the_others():
    quiet = np.full((1, 50, 1), 1e-6, np.float32)
    np.testing.assert_allclose(waveform_loss(quiet, quiet + 0.1), [0.01 / QUIET], rtol=1e-4)


def test_perceptual_loss_is_the_mean_over_layers():
    target, value = [np.zeros((1, 2, 2, 1)), np.ones((1, 4))], [np.full((1, 2, 2, 1), 2.0), np.zeros((1, 4))]
    assert float(perceptual_loss(target, value)[0]) == pytest.approx((4 + 1) / 2)


def test_relative_perceptual_loss_does_not_depend_on_the_scale_of_a_layer():
    random = np.random.default_rng(0)
    target, value = random.normal(size=(2, 3, 5, 5, 2)).astype(np.float32)
    np.testing.assert_allclose(
        perceptual_loss([target], [value], relative=True), perceptual_loss([100 * target], [100 * value], relative=True), rtol=1e-5
    )
    np.testing.assert_allclose(perceptual_loss([target], [np.zeros_like(target)], relative=True), 1, rtol=1e-5)


def test_cross_entropy():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32))
    np.testing.assert_allclose(cross_entropy(np.array([0, 1]), logits), -np.log([0.7, 0.1]), rtol=1e-5)


def test_range_penalty_is_zero_inside():
    np.testing.assert_allclose(range_penalty(np.array([[1.0, -1, 0], [2, 0, -1]], np.float32)), [0, 1 / 3], rtol=1e-6)


def test_prior_distance_is_least_for_even_samples_of_the_prior():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(100, 64)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    prior = rng.uniform(-1, 1, (64, 100)).astype(np.float32)
    distance = float(prior_distance(prior, directions))
    assert 0 < distance < 0.05
    narrow, shifted, repeated = 0.5 * prior, prior + 0.5, np.repeat(prior[:8], 8, axis=0)
    line = np.repeat(prior[:, :1], 100, axis=1)  # every coordinate is right, together they are not
    for other in (narrow, shifted, repeated, line):
        assert float(prior_distance(other, directions)) > 2 * distance


@pytest.mark.parametrize("power", [1, 2])
def test_silence_scores_one(power):
    x = np.random.default_rng(0).normal(size=(2, 9, 1)).astype(np.float32)
    np.testing.assert_allclose(difference(x, 0 * x, power=power, relative=True), 1, rtol=1e-5)
