import dataclasses
import json

import pytest

from tf_wavegan_inv import UserError, defaults, load_recipe
from tf_wavegan_inv.models.classifier import FEATURE_LAYERS
from tf_wavegan_inv.recipe import recipe_from_dict, recipe_names


@pytest.mark.parametrize("name", ["best", "paper", "authors-code", "digits", "sc09"])
def test_every_recipe_survives_json_like_dicts(name):
    recipe = load_recipe(name)
    assert recipe.name == name and name in recipe_names()
    assert recipe_from_dict(dataclasses.asdict(recipe)) == recipe
    assert set(recipe.inverter.perceptual_layers + recipe.inversion.perceptual_layers) <= set(FEATURE_LAYERS)


def test_paper_is_as_published():
    recipe = load_recipe("paper")
    assert (recipe.spectrogram.kind, recipe.inverter.learning_rate, recipe.inverter.batch_size, recipe.inverter.epochs) == (
        "real",
        1e-3,
        64,
        250,
    )
    assert (recipe.inversion.gradient_iterations, recipe.inversion.hybrid_iterations) == (50000, 200)


def test_a_recipe_extends_another(tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "digits"\n[inverter]\nepochs = 3\n[inversion.exact]\nrounds = 1\n')
    (tmp_path / "yours.toml").write_text('extends = "mine.toml"\n[inverter]\nwidth = 8\n')
    recipe, digits = load_recipe(tmp_path / "yours.toml"), load_recipe("digits")
    assert recipe.name == "yours"
    assert recipe.inverter == dataclasses.replace(digits.inverter, epochs=3, width=8)
    assert recipe.inversion == dataclasses.replace(digits.inversion, exact=dataclasses.replace(digits.inversion.exact, rounds=1))
    (tmp_path / "mine.toml").write_text('extends = "yours.toml"\n')
    with pytest.raises(UserError, match=r"extends \w+, which extends it"):
        load_recipe(tmp_path / "yours.toml")
    (tmp_path / "mine.toml").write_text('extends = "bset"\n')
    with pytest.raises(UserError, match="No recipe 'bset'"):
        load_recipe(tmp_path / "mine.toml")


def test_unknown_names_are_told(tmp_path):
    with pytest.raises(UserError, match="No recipe 'bset'.*best"):
        load_recipe("bset")
    (tmp_path / "mine.toml").write_text("[inverter]\nepoch = 3\n")
    with pytest.raises(UserError, match=r"\[inverter\] option \['epoch'\] is unknown.*epochs"):
        load_recipe(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_text("[inverter\n")
    with pytest.raises(UserError, match="not valid TOML"):
        load_recipe(tmp_path / "mine.toml")


def test_replace_keeps_what_is_none():
    recipe = load_recipe("best")
    assert recipe.replace("inverter", epochs=3, width=None).inverter == dataclasses.replace(recipe.inverter, epochs=3)


def test_an_inverter_may_see_another_spectrogram_than_the_classifier():
    recipe = load_recipe("paper")
    assert recipe.inverter_spectrogram == recipe.spectrogram
    changed = recipe.replace("inverter", spectrogram="phase")
    assert changed.inverter_spectrogram == dataclasses.replace(recipe.spectrogram, kind="phase") and changed.spectrogram.kind == "real"


@pytest.mark.parametrize(
    "text, message",
    [
        ("inverter = 3", "must be a section"),
        ('[inversion]\nlog_stft = "1"', "log_stft must be a float, received '1'"),
        ("[inversion]\ngradient_starts = 0", "gradient_starts must be at least 1"),
        ('[inverter]\nschedule = "cosin"', "schedule must be one of.*received 'cosin'"),
        ('[inverter]\nspectrogram = "mel"', "kind must be one of.*received 'mel'"),
        ("[classifier]\nepochs = -1", "epochs must be a int of 0 or more"),
    ],
)
def test_wrong_values_are_told(tmp_path, text, message):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        load_recipe(tmp_path / "mine.toml")


@pytest.mark.parametrize("bundle, stage", [(defaults.CLASSIFIER, "classifier"), (defaults.INVERTER, "inverter")])
def test_the_bundled_models_carry_the_recipe_they_are_said_to_have(bundle, stage):
    carried, digits = recipe_from_dict(json.loads((bundle / "config.json").read_text())["recipe"]), load_recipe("digits")
    for section in ("audio", "spectrogram", "inversion", stage):  # the others say how other models were trained
        assert getattr(carried, section) == getattr(digits, section)
