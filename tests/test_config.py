"""Options of recipes: bad ones are refused, those of version 0.1 still load."""

import json

import pytest

from tf_wavegan_inv import UserError, defaults
from tf_wavegan_inv.config import InversionConfig
from tf_wavegan_inv.recipe import recipe_from_dict


def test_bad_choices_are_told():
    with pytest.raises(UserError, match="line_search must be one of .* received 'newton'"):
        InversionConfig(line_search="newton")


def test_recipes_of_version_0_1_load():
    options = json.loads((defaults.INVERTER / "config.json").read_text())["recipe"]["inversion"]
    assert options["stages"] == [] and options["latent"] == "free"
    inversion = recipe_from_dict({"inversion": options}).inversion
    assert inversion == recipe_from_dict({"name": "digits", "inversion": options | {"stages": ()}}).inversion
    assert (inversion.log_stft, inversion.hybrid_iterations) == (options["log_stft"], options["hybrid_iterations"])


@pytest.mark.parametrize(
    "name, value, instead", [("stages", [{"share": 0.5, "log_stft": 1.0}], "weights of the last one"), ("latent", "clipped", "range")]
)
def test_what_is_gone_is_refused_with_what_replaces_it(name, value, instead):
    with pytest.raises(UserError, match=rf"\[inversion\] {name} = .* is gone since 0.2; .*{instead}"):
        recipe_from_dict({"inversion": {"waveform": 1.0, name: value}})
