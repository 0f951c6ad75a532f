"""Spectrograms and models give the same under KERAS_BACKEND=jax."""

import textwrap

import numpy as np
import pytest

from tests.conftest import run_command
from tf_wavegan_inv import defaults, load_classifier, load_inverter
from tf_wavegan_inv.audio.spectrogram import Spectrogram

SCRIPT = """
    import keras, numpy as np
    assert keras.backend.backend() == "jax"
    from tf_wavegan_inv import defaults, load_classifier, load_inverter, Generator
    from tf_wavegan_inv.audio.spectrogram import Spectrogram
    audio, z = np.load("audio.npy"), np.load("z.npy")
    np.savez(
        "jax.npz",
        real=Spectrogram("real", 256, 128, 1)(audio),
        log_magnitude=Spectrogram("log_magnitude", 256, 128, 1)(audio),
        generator=keras.saving.load_model("generator.keras")(z),
        classifier=load_classifier(defaults.CLASSIFIER)(audio),
        inverter=load_inverter(defaults.INVERTER)(audio),
    )
"""


@pytest.fixture(scope="module")
def jax_and_tensorflow(tmp_path_factory, generator, real_clips):
    folder = tmp_path_factory.mktemp("jax")
    audio, z = real_clips.float_audio(0, 2), np.random.default_rng(0).uniform(-1, 1, (2, 100)).astype(np.float32)
    np.save(folder / "audio.npy", audio)
    np.save(folder / "z.npy", z)
    generator.save(folder / "generator.keras")
    done = run_command("-c", textwrap.dedent(SCRIPT), cwd=folder, env={"KERAS_BACKEND": "jax"})
    assert done.returncode == 0, done.stderr
    return np.load(folder / "jax.npz"), {
        "real": Spectrogram("real", 256, 128, 1)(audio),
        "log_magnitude": Spectrogram("log_magnitude", 256, 128, 1)(audio),
        "generator": generator(z),
        "classifier": load_classifier(defaults.CLASSIFIER)(audio),
        "inverter": load_inverter(defaults.INVERTER)(audio),
    }


@pytest.mark.parametrize("name", ["real", "log_magnitude", "generator", "classifier", "inverter"])
def test_same_on_jax(jax_and_tensorflow, name):
    on_jax, on_tensorflow = jax_and_tensorflow
    np.testing.assert_allclose(on_jax[name], on_tensorflow[name], atol=1e-4)
