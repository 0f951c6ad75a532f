"""How well real clips can be inverted with a WaveGAN in training: the same clips and the same method at every report."""

import contextlib
import dataclasses

import keras
import numpy as np

from tf_wavegan_inv.inversion.invert import Inversion
from tf_wavegan_inv.metrics.spectrogram import log_spectral_distance
from tf_wavegan_inv.models.bundle import load_classifier
from tf_wavegan_inv.models.predictions import ClipClassifier
from tf_wavegan_inv.wavegan.checkpoint import copy_weights
from tf_wavegan_inv.wavegan.generator import Generator

GRADIENT_ITERATIONS = 50  # without a joint inverter
OBJECTIVE = "inversion/objective"


class Invertibility:
    """Inverts fixed validation clips: by the joint inverter, or else by gradient.

    Computes in float32, whatever the training's precision.

    Args:
        config: `WaveGANConfig`. Architecture of the generator.
        clips: `ClipArrays`. Clips to invert, with labels.
        classifier_path: path. Classifier that predicts labels, and whose features the recipe's objective compares.
        inversion: `InversionConfig`. The recipe's.
        inverter: function without arguments -> an inverter like the one in training, or None. Default None: gradient.
        seed: int. Seed of the random starts. Default 0.
    """

    def __init__(self, config, clips, classifier_path, inversion, *, inverter=None, seed=0):
        self.audio, self.labels, self.seed = clips.float_audio(), clips.labels, seed
        method = "inverter" if inverter else "gradient"
        without_exact = dataclasses.replace(inversion.exact, rounds=0)
        once = dataclasses.replace(inversion, exact=without_exact, gradient_starts=1, gradient_iterations=GRADIENT_ITERATIONS)
        with _in_float32():
            self.generator, self.inverter = Generator(config, frozen=True), inverter and inverter()
            classifier = load_classifier(classifier_path)
            self.classify = ClipClassifier(classifier)
            self.invert = Inversion(self.generator, method=method, inverter=self.inverter, classifier=classifier, config=once)

    def __call__(self, generator, inverter=None):
        """Values by name for a `Generator`, and its joint inverter if there is one, at their present weights."""
        copy_weights(generator, self.generator)
        if inverter is not None:
            self.inverter.set_weights(inverter.get_weights())
        found = self.invert(self.audio, seed=self.seed)
        correct = self.classify(found.audio).labels == self.labels
        by_digit = [correct[self.labels == label].mean() for label in np.unique(self.labels)]
        return {
            OBJECTIVE: float(found.objective.mean()),
            "inversion/label_accuracy": float(np.mean(by_digit)),
            "inversion/worst_label_accuracy": float(np.min(by_digit)),
            "inversion/spectral_distance": float(log_spectral_distance(self.audio, found.audio).mean()),
        }


@contextlib.contextmanager
def _in_float32():
    """Models that are made within compute in float32, whatever the global policy."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
