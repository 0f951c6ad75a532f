"""Which recipe the trained models of a method bring along."""

import dataclasses
import json

import keras
import pytest

from tf_wavegan_inv import UserError, defaults, load_recipe
from tf_wavegan_inv.files import checksum
from tf_wavegan_inv.inversion.load import load_models, models_for
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.wavegan.sources import find_checkpoint


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A tiny untrained inverter by the recipe `paper` for the bundled WaveGAN, as training saves it."""
    folder, recipe = tmp_path_factory.mktemp("paper"), load_recipe("paper")
    build_inverter(16384, 1, latent_dim=100, spectrogram=recipe.inverter_spectrogram, width=2).save(folder / "model.keras")
    options = {"stage": "inverter", "recipe": recipe.to_dict(), "wavegan": {"sha256": checksum(find_checkpoint(defaults.WAVEGAN))}}
    (folder / "config.json").write_text(json.dumps(options))
    return folder


@pytest.mark.parametrize("needs_inverter", [True, False])
def test_an_inverter_that_is_named_brings_its_recipe_even_for_gradient_alone(generator, paper, needs_inverter):
    trained = models_for(generator, inverter=paper, needs_inverter=needs_inverter)
    assert trained.inverter.recipe.name == "paper" and not trained.audio.peak_normalise
    assert trained.config == load_recipe("paper").inversion
    assert models_for(generator, needs_inverter=needs_inverter).audio.peak_normalise


def test_without_trained_models_clips_are_read_as_the_recipe_says(tmp_path):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(100, "tanh"), keras.layers.Reshape((100, 1))])
    (tmp_path / "own.toml").write_text("[audio]\nsample_rate = 22050\npeak_normalise = false\n")
    trained = models_for(made, recipe=tmp_path / "own.toml", needs_inverter=False)
    assert trained.classifier is None and dataclasses.astuple(trained.audio)[:2] == (22050, False)
    assert models_for(made, needs_inverter=False).audio.sample_rate == 16000


def test_a_recipe_that_does_not_fit_is_refused_before_any_work(tmp_path):
    (tmp_path / "empty.toml").write_text("[inversion]\nrange = 1.0\n")
    with pytest.raises(UserError, match="nothing to minimise"):
        load_models(method="gradient", recipe=tmp_path / "empty.toml")
    assert load_models(method="gradient", recipe=tmp_path / "empty.toml", needs_inverter=False).config.range == 1.0
