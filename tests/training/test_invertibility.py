"""How well validation clips are inverted while a WaveGAN is trained."""

import keras
import numpy as np
import pytest

from tf_wavegan_inv import defaults, load_recipe
from tf_wavegan_inv.config import SpectrogramConfig
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.training import invertibility
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.generator import Generator

CONFIG = WaveGANConfig(dim=2)


def new_inverter():
    return build_inverter(16384, 1, latent_dim=100, spectrogram=SpectrogramConfig(), width=4)


@pytest.mark.parametrize("method", ["inverter", "gradient"])
def test_values_are_those_of_the_weights_at_the_time(real_clips, monkeypatch, method):
    monkeypatch.setattr(invertibility, "GRADIENT_ITERATIONS", 3)
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator = Generator(CONFIG)
        inverter = new_inverter() if method == "inverter" else None
        measure = invertibility.Invertibility(
            CONFIG, real_clips.take([0, 1, 2]), defaults.CLASSIFIER, load_recipe("best").inversion, inverter=inverter and new_inverter
        )
    finally:
        keras.config.set_dtype_policy("float32")
    before = measure(generator, inverter)
    assert set(before) <= set(NAMES) and all(np.isfinite(value) for value in before.values())
    assert before == measure(generator, inverter)
    generator.upconvs[-1].bias.assign([0.5])  # a loud hum
    after = measure(generator, inverter)
    assert after["inversion/objective"] > before["inversion/objective"]
    assert measure.generator.dtype_policy.name == "float32"
