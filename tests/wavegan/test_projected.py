"""The discriminator on a classifier's features."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv.config import SpectrogramConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.wavegan.projected import ProjectedDiscriminator, SpectralConv2D, hinge_discriminator, spectral_norm


@pytest.fixture(scope="module")
def projected(real_clips):
    keras.utils.set_random_seed(0)
    projected = ProjectedDiscriminator(build_classifier(16384, 1, spectrogram=SpectrogramConfig("log_magnitude"), width=4))
    projected.adapt(real_clips.float_audio()[:16])
    return projected


def test_spectral_norm_is_the_largest_singular_value():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(size, 8)))[0] for size in (36, 8))
    kernel = (left * [3.0, 2, 1, 1, 0.5, 0.3, 0.2, 0.1]) @ right.T
    assert abs(float(spectral_norm(tf.constant(kernel.reshape(3, 3, 4, 8)))) - 3) < 0.01


def test_a_layer_of_any_scale_is_the_same_layer():
    layer = SpectralConv2D(8, 3, use_bias=False)
    x = tf.random.stateless_normal([2, 8, 8, 4], [0, 1])
    before = layer(x)
    layer.kernel.assign(5 * layer.kernel)
    np.testing.assert_allclose(layer(x), before, rtol=1e-4, atol=1e-5)


def test_hinge_loss():
    real, fake = tf.constant([2.0, 0.5, -1])[:, None, None, None], tf.constant([-2.0, 0, 1])[:, None, None, None]
    np.testing.assert_allclose(hinge_discriminator(real, fake), [0, 1.5, 4])


def test_hears_through_a_frozen_classifier(projected, real_clips):
    assert len(projected.trainable_variables) == 5 * 3 * 2
    audio = tf.constant(real_clips.float_audio()[:2])
    with tf.GradientTape() as tape:
        tape.watch(audio)
        logits = projected(audio)
    assert [logit.shape[1:3] for logit in logits] == [(8, 9), (8, 9), (4, 5), (8, 9), (4, 5)]
    gradient = tape.gradient(logits, audio)
    assert np.all(np.isfinite(gradient)) and np.ptp(gradient) > 0
    for a, b in zip(projected(0.1 * audio), logits, strict=True):  # a clip is heard at a peak of 1
        np.testing.assert_allclose(a, b, atol=0.05)


def test_features_of_the_clips_it_was_adapted_to_are_centred(projected, real_clips):
    heard = projected.hear(tf.constant(real_clips.float_audio()[:16]), 0)
    for feature, centre, scale in zip(heard, projected.centres, projected.scales, strict=True):
        x = (np.asarray(feature) - centre) / scale
        assert abs(x.mean()) < 1e-4 and abs(x.std(axis=(0, 1, 2)).mean() - 1) < 1e-3


def test_silence_has_a_finite_gradient(projected):
    audio = tf.zeros([1, 16384, 1])
    with tf.GradientTape() as tape:
        tape.watch(audio)
        logits = projected(audio)
    assert np.all(np.isfinite(tape.gradient(logits, audio)))
