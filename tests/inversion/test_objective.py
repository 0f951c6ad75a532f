import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError, load_recipe, load_wavegan
from tf_wavegan_inv.config import InversionConfig
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.models.classifier import build_classifier

TERMS = {
    "waveform": InversionConfig(waveform=1.0, power=2, relative=True),
    "stft": InversionConfig(stft=1.0, power=2),
    "log_stft": InversionConfig(log_stft=1.0),
    "perceptual": InversionConfig(perceptual=1.0, power=2),
    "range": InversionConfig(waveform=1e-6, range=1.0),
}


@pytest.fixture(scope="module")
def classifier():
    return build_classifier(16384, 1, spectrogram=load_recipe("best").spectrogram, width=4)


@pytest.mark.parametrize("term", TERMS)
def test_zero_at_the_truth_and_gradient_as_finite_differences(golden, latents, float64, term):
    keras.utils.set_random_seed(0)
    generator = load_wavegan(golden("a_default"))
    objective = Objective(
        generator, TERMS[term], classifier=build_classifier(16384, 1, spectrogram=load_recipe("best").spectrogram, width=4)
    )
    z = tf.cast(latents(2), tf.float64)
    target = objective.describe(generator(z))
    np.testing.assert_allclose(objective(z, target), 0, atol=2e-5)

    start = 0.5 * z + (1.0 if term == "range" else 0)
    with tf.GradientTape() as tape:
        tape.watch(start)
        value = objective(start, target)
    gradient = tape.gradient(value, start).numpy()
    direction = gradient / np.linalg.norm(gradient, axis=1, keepdims=True) + 0.1 * np.random.default_rng(1).normal(size=(2, 100))
    slope = np.sum(gradient * direction, axis=1)
    step = 1e-7  # so short that hardly a ReLU or absolute value turns in between
    numeric = (objective(start + step * direction, target) - objective(start - step * direction, target)).numpy() / (2 * step)
    np.testing.assert_allclose(slope, numeric, rtol=1e-4)


@pytest.mark.parametrize("recipe", ["best", "paper", "authors-code"])
def test_every_recipe_has_a_minimum_at_the_truth(generator, classifier, latents, recipe):
    objective = Objective(generator, load_recipe(recipe).inversion, classifier=classifier)
    z = latents(3)
    target = objective.describe(generator(z))
    near, far = objective(tf.constant(z), target).numpy(), objective(tf.constant(latents(6)[3:]), target).numpy()
    assert (near < 1e-3 * far).all()


def test_says_what_is_missing(generator):
    with pytest.raises(UserError, match="nothing to minimise"):
        Objective(generator, InversionConfig())
    with pytest.raises(UserError, match="features of a classifier: give one"):
        Objective(generator, dataclasses.replace(load_recipe("authors-code").inversion))
