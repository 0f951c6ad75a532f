"""Evaluating sets of clips: what is written of them."""

import keras
import numpy as np
import soundfile

from tests.conftest import NearlyRight
from tf_wavegan_inv import defaults, load_classifier
from tf_wavegan_inv.evaluation.evaluate import Evaluator
from tf_wavegan_inv.evaluation.sets import real
from tf_wavegan_inv.inversion.invert import Inversion
from tf_wavegan_inv.models.generator import load_generator
from tf_wavegan_inv.models.predictions import ClipClassifier
from tf_wavegan_inv.recipe import load_recipe


def test_z_is_written_as_the_model_takes_it(tmp_path, real_clips):
    """By a generator whose z lies in [-3, 3], which is searched in [-1, 1]."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16384, "tanh"), keras.layers.Reshape((16384, 1))])
    model.save(tmp_path / "made.keras")
    z = np.random.default_rng(0).uniform(-1, 1, (2, 6)).astype(np.float32)
    generator = load_generator(tmp_path / "made.keras", latent_range=(-3.0, 3.0))
    inversion = Inversion(generator, method="inverter", inverter=NearlyRight(z, 0.0), config=load_recipe("paper").inversion)
    clips = real(real_clips.take([0, 1]))
    classifier = ClipClassifier(load_classifier(defaults.CLASSIFIER), with_features=True)
    Evaluator({"inverter": inversion}, classifier, out=tmp_path)([clips])
    for name, expected in zip(clips.clips, z, strict=True):
        path = tmp_path / "audio" / "real" / "inverter" / name
        written, (audio, _) = np.load(f"{path}.z.npy"), soundfile.read(f"{path}.wav", dtype="float32")
        np.testing.assert_allclose(written, 3 * expected, atol=1e-6)
        np.testing.assert_allclose(audio, np.asarray(model(written[None]))[0, :, 0], atol=1e-5)
