"""Exact recovery of z, and the Jacobian behind it."""

import dataclasses
import time

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import NearlyRight
from tf_wavegan_inv import Generator, UserError, invert, load_recipe
from tf_wavegan_inv.config import ExactConfig
from tf_wavegan_inv.inversion.exact import ExactRecovery, State, is_16_bit
from tf_wavegan_inv.inversion.invert import Inversion
from tf_wavegan_inv.inversion.jacobian import audio_and_jacobian, singular_values
from tf_wavegan_inv.models.generator import AnyGenerator

ONLY_EXACT = dataclasses.replace(
    load_recipe("best").inversion,
    perceptual=0.0,
    gradient_iterations=3,
    gradient_starts=1,
    hybrid_iterations=3,
    exact=ExactConfig(rounds=8),
)


@pytest.fixture(scope="module")
def exact_recovery(generator):
    return ExactRecovery(generator, ExactConfig(rounds=8))


@pytest.mark.parametrize("options", [{}, {"upsample": "nn"}, {"batch_norm": True}, {"pp_len": 64, "channels": 1}, {"channels": 2}])
def test_jacobian_equals_differentiation(options, float64):
    import keras

    keras.utils.set_random_seed(1)
    generator = Generator(dim=2, latent_dim=5, **options)
    rng = np.random.default_rng(0)
    generator.set_weights(
        [
            np.abs(w) + 0.1 if "norm" in v.path else w + 0.05 * rng.normal(size=w.shape)
            for w, v in zip(generator.get_weights(), generator.weights, strict=True)
        ]
    )
    z = tf.constant(rng.uniform(-1, 1, (2, 5)))
    audio, jacobian = _double(generator, z)
    np.testing.assert_allclose(audio, tf.reshape(generator(z), [2, -1]), atol=1e-12)
    step = 1e-6
    for i in range(5):
        moved = step * tf.one_hot(i, 5, dtype=tf.float64)
        numeric = tf.reshape(generator(z + moved) - generator(z - moved), [2, -1]) / (2 * step)
        np.testing.assert_allclose(jacobian[:, i], numeric, atol=1e-5 * np.abs(numeric).max() + 1e-8)


def _double(generator, z):
    from tf_wavegan_inv.wavegan.tangents import audio_and_tangents

    audio, tangents = audio_and_tangents(generator, z, tf.eye(5, dtype=tf.float64))
    return tf.reshape(audio, [2, -1]), tf.reshape(tangents, [2, 5, -1])


def test_jacobian_of_any_model_is_the_same(tiny_generator, latents):
    z = tf.constant(latents(2))
    audio, jacobian = audio_and_jacobian(tiny_generator, z)
    other_audio, other = audio_and_jacobian(lambda z: tiny_generator(z), z)
    np.testing.assert_allclose(audio, other_audio, atol=1e-5)
    np.testing.assert_allclose(jacobian, other, atol=1e-4 * np.abs(jacobian).max())
    assert (np.diff(singular_values(tiny_generator, z)) <= 0).all()


def test_hybrid_recovers_z_exactly_in_a_batch(generator, latents):
    z = latents(6)
    result = invert(np.asarray(generator(z)), generator, method="hybrid", inverter=NearlyRight(z, 0.3), config=ONLY_EXACT)
    exact = np.array(result.status) == "exact"
    assert exact.sum() >= 5  # hybrid has one start: where that ends far off, by one CPU's rounding or another's, the clip is missed
    assert (result.distance[exact] < ExactConfig.exact_error).all() and (result.gain == 1).all()
    assert np.abs(result.z - z)[exact].max() < 1e-3
    np.testing.assert_allclose(result.audio, generator(result.z), atol=1e-6)


def test_gradient_recovers_z_exactly_from_random_starts(generator, latents):
    z = latents(3)
    result = invert(np.asarray(generator(z)), generator, method="gradient", config=ONLY_EXACT)
    exact = np.array(result.status) == "exact"
    assert exact.sum() >= 2
    assert np.abs(result.z - z)[exact].max() < 1e-2


def test_the_gain_of_a_normalised_clip_is_found_too(exact_recovery, generator, latents):
    z = latents(3)
    audio = np.asarray(generator(z))
    peaks = np.abs(audio).max(axis=(1, 2))
    found = exact_recovery(audio / peaks[:, None, None], lambda clips, _: NearlyRight(z, 0.3).z[clips])
    assert found.exact.all() and np.abs(found.z - z).max() < 1e-2
    np.testing.assert_allclose(found.gain, 1 / peaks, rtol=1e-3)


@pytest.mark.parametrize("written", ["rounded", "cut off", "rounded, then normalised"])
def test_sixteen_bits_are_enough(exact_recovery, generator, latents, written):
    z = latents(3)
    audio = np.asarray(generator(z)) * 32767
    audio = (np.trunc(audio) if written == "cut off" else np.rint(audio)) / 32767
    if "normalised" in written:
        audio /= np.abs(audio).max(axis=(1, 2), keepdims=True)
    assert (is_16_bit(audio.astype(np.float32)) == ("normalised" not in written)).all()
    found = exact_recovery(audio.astype(np.float32), lambda clips, _: NearlyRight(z, 0.3).z[clips])
    assert found.exact.all() and np.abs(found.z - z).max() < 1e-2


def test_real_clips_are_given_up_and_optimised_as_before(generator, real_clips, latents):
    audio = real_clips.float_audio(0, 3)
    exact = invert(audio, generator, method="hybrid", inverter=NearlyRight(latents(3), 0.3), config=ONLY_EXACT)
    without = invert(
        audio,
        generator,
        method="hybrid",
        inverter=NearlyRight(latents(3), 0.3),
        config=dataclasses.replace(ONLY_EXACT, exact=ExactConfig()),
    )
    assert (exact.distance > ExactConfig.out_of_range).all() and np.isnan(without.distance).all()
    assert exact.status == without.status
    np.testing.assert_allclose(exact.z, without.z, atol=1e-5)


def test_a_clip_does_not_depend_on_its_neighbours(generator, latents, real_clips):
    z = latents(2)
    inversion = Inversion(generator, method="hybrid", inverter=NearlyRight(z, 0.3), config=ONLY_EXACT)
    together = inversion(np.concatenate([np.asarray(generator(z[:1])), real_clips.float_audio(0, 1)]))
    alone = inversion(np.asarray(generator(z[:1])))
    assert together.status[0] == alone.status[0] == "exact"
    np.testing.assert_allclose(together.z[0], alone.z[0], atol=1e-3)


def test_a_broken_start_harms_no_other(generator, latents):
    z = latents(2)
    starts = z + np.float32(0.1)
    starts[1] = np.nan
    found = ExactRecovery(generator, ExactConfig(rounds=1, iterations=10))(np.asarray(generator(z)), lambda clips, _: starts[clips])
    assert found.exact.tolist() == [True, False] and found.state[1] == State.OUT_OF_RANGE
    assert np.isfinite(found.z).all()


@pytest.mark.parametrize("far_starts", [2, 3])
def test_a_clip_that_stays_out_of_range_restarts(generator, latents, far_starts):
    z = latents(1)
    begun = []

    def starts(clips, number):
        begun.append(number)
        return z[clips] + np.float32(0.1) if number == far_starts - 1 else np.full_like(z[clips], 30)

    found = ExactRecovery(generator, ExactConfig(rounds=12, iterations=10), starts=far_starts)(np.asarray(generator(z)), starts)
    assert begun == [*range(far_starts)] and found.exact.all() and np.abs(found.z - z).max() < 1e-2


def test_a_near_twin_is_not_taken_for_the_clips_own():
    """The first entry of z has little effect: 0.6 and 0.18 differ by 2e-11 of the power, with a hill between them."""

    def function(z):
        hardly = 1e-3 * (z[:, :1] ** 3 - 0.5 * z[:, :1]), 1e-4 * z[:, :1]
        return tf.concat([tf.tanh(z[:, 1:] @ weights), *hardly], axis=1)[..., None]

    weights = tf.constant(np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32))
    generator = AnyGenerator(function, 4)
    z = np.tile(np.array([0.6, 0.1, -0.3, 0.4], np.float32), (8, 1))
    twin = z - np.array([0.42, 0, 0, 0], np.float32)
    found = ExactRecovery(generator, ExactConfig(rounds=12))(np.asarray(generator(z)), lambda clips, _: twin[clips])
    assert found.exact.all() and (found.starts > 1).all()
    assert (np.abs(found.z - z).max(axis=1) < 1e-2).sum() >= 6


def test_any_differentiable_model():
    """A generator that is no WaveGAN."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(64, "tanh"), keras.layers.Reshape((64, 1))]
    )
    z = np.random.default_rng(0).uniform(-1, 1, (5, 4)).astype(np.float32)
    config = dataclasses.replace(ONLY_EXACT, log_stft=0.0, waveform=1.0)
    result = invert(np.asarray(model(z)), model, method="gradient", config=config)
    assert result.status == ["exact"] * 5
    assert np.abs(result.z - z).max() < 1e-2


def test_a_jacobian_that_is_not_finite_harms_no_other():
    """At z below 0 this generator's derivative is 0 * infinity."""

    def function(z):
        audio = tf.tanh(z @ weights)
        return audio + 0 * tf.sqrt(tf.nn.relu(z[:, :1]))

    weights = tf.constant(np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32))
    generator = AnyGenerator(function, 4, latent_range=(0.5, 1.5))
    z = np.array([[0.2, 0.1, -0.3, 0.4], [-1.5, 0.1, -0.3, 0.4]], np.float32)
    found = ExactRecovery(generator, ExactConfig(rounds=1, iterations=3))(
        np.asarray(generator(z)), lambda clips, _: z[clips] + np.float32(0.01)
    )
    assert found.exact[0] and np.isfinite(found.z).all()


def test_time_limit_ends_the_search(generator, real_clips):
    audio = real_clips.float_audio(0, 2)
    inversion = Inversion(generator, method="gradient", config=dataclasses.replace(ONLY_EXACT, gradient_iterations=10**6))
    inversion(audio, max_iterations=1, seconds=1)
    began = time.monotonic()
    result = inversion(audio, seconds=2)
    assert time.monotonic() - began < 20 and set(result.status) <= {"time_limit", "stalled"} and (result.seconds < 10).all()
    for wrong in ({"seconds": 0}, {"max_iterations": 0}):
        with pytest.raises(UserError, match="must be above 0, received 0"):
            inversion(audio, **wrong)
