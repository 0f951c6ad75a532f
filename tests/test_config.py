"""Options of recipes: bad ones are refused, those of version 0.1 still load."""

import json

import pytest

from tf_wavegan_inv import UserError, defaults
from tf_wavegan_inv.config import ExactConfig, InversionConfig
from tf_wavegan_inv.recipe import recipe_from_dict


def test_bad_choices_are_refused():
    with pytest.raises(UserError, match="line_search must be one of .* received 'newton'"):
        InversionConfig(line_search="newton")


def test_recipes_of_version_0_1_load():
    options = json.loads((defaults.INVERTER / "config.json").read_text())["recipe"]["inversion"]
    assert options["stages"] == [] and options["latent"] == "free"
    inversion = recipe_from_dict({"inversion": options}).inversion
    assert inversion == recipe_from_dict({"name": "digits", "inversion": options | {"stages": ()}}).inversion
    assert (inversion.log_stft, inversion.hybrid_iterations) == (options["log_stft"], options["hybrid_iterations"])


@pytest.mark.parametrize(
    "name, value, instead", [("stages", [{"share": 0.5, "log_stft": 1.0}], "weights of the last stage"), ("latent", "clipped", "range")]
)
def test_removed_options_are_refused_with_what_replaces_it(name, value, instead):
    with pytest.raises(UserError, match=rf"\[inversion\] {name} = .* was removed in 0.2: .*{instead}"):
        recipe_from_dict({"inversion": {"waveform": 1.0, name: value}})


def test_constants_of_exact_recovery_are_a_section_of_their_own():
    inversion = recipe_from_dict({"inversion": {"exact": {"rounds": 3, "perturbation": 0.1}}}).inversion
    assert inversion.exact == ExactConfig(rounds=3, perturbation=0.1)
    assert recipe_from_dict({"inversion": {"exact_rounds": 7}}).inversion.exact == ExactConfig(rounds=7)
    with pytest.raises(UserError, match=r"\[inversion\] exact option \['round'\] is unknown.*rounds"):
        recipe_from_dict({"inversion": {"exact": {"round": 3}}})
    with pytest.raises(UserError, match=r"\[inversion\] exact must be a ExactConfig, received 3"):
        recipe_from_dict({"inversion": {"exact": 3}})
