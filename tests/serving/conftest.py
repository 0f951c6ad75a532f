"""A small servable, exported once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import GOLDEN
from tf_wavegan_inv import load_recipe, load_wavegan
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.serving.export import export
from tf_wavegan_inv.serving.signatures import Signatures
from tf_wavegan_inv.serving.warmup import write_warmup


@pytest.fixture(scope="package")
def signatures():
    """Of a WaveGAN of dim 4, and networks of random weights."""
    keras.utils.set_random_seed(0)
    recipe = load_recipe("digits")
    generator = load_wavegan(GOLDEN / "trained")
    inverter = build_inverter(16384, 1, latent_dim=100, spectrogram=recipe.spectrogram, width=4)
    classifier = build_classifier(16384, 1, spectrogram=recipe.spectrogram, width=4)
    return Signatures(generator, inverter=inverter, classifier=classifier, audio_config=recipe.audio, inversion=recipe.inversion)


@pytest.fixture(scope="package")
def exported(signatures, tmp_path_factory):
    """Folder of version 1, with its warm-up."""
    folder = tmp_path_factory.mktemp("served")

    def add(path):
        write_warmup(path, signatures, model_name="digits", batches=(1, 3))

    return export(signatures, folder, version=1, record={"made": "here"}, add=add)


@pytest.fixture(scope="package")
def loaded(exported):
    """The SavedModel, loaded as a server would."""
    return tf.saved_model.load(str(exported))


@pytest.fixture
def call(loaded):
    """Function of a signature's name and its inputs -> dict of arrays."""

    def call(name, **inputs):
        found = loaded.signatures[name](**{argument: tf.constant(value) for argument, value in inputs.items()})
        return {output: value.numpy() for output, value in found.items()}

    return call


@pytest.fixture(scope="package")
def clips():
    """float32 [3, 16384, 1], of peak 1."""
    audio = np.random.default_rng(0).normal(size=(3, 16384, 1)).astype(np.float32) * np.hanning(16384)[:, None].astype(np.float32)
    return audio / np.abs(audio).max(axis=(1, 2), keepdims=True)
