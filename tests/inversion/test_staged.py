import dataclasses

import numpy as np
import pytest

from tf_wavegan_inv import UserError, invert
from tf_wavegan_inv.config import InversionConfig
from tf_wavegan_inv.inversion.staged import StagedMinimiser, projection, without_perceptual
from tf_wavegan_inv.recipe import recipe_from_dict

CONFIG = InversionConfig(waveform=1.0, power=2, relative=True, gradient_iterations=40)


def seeds(count):
    return [(0, i, 0) for i in range(count)]


def test_stages_follow_one_another(tiny_generator, latents):
    config = dataclasses.replace(CONFIG, stages=({"share": 0.5, "waveform": 0.0, "log_stft": 1.0},))
    audio = np.asarray(tiny_generator(latents(2)))
    minimiser = StagedMinimiser(tiny_generator, config)
    calls = []
    found = minimiser.minimise(latents(4)[2:], minimiser.describe(audio), 40, lambda *c: calls.append(c), trajectory=True)
    plain = StagedMinimiser(tiny_generator, CONFIG).minimise(latents(4)[2:], minimiser.describe(audio), 40)
    assert (found.iterations <= 40).all() and (found.iterations > 20).all() and calls[-1] == (40, 40)
    assert [c[0] for c in calls] == sorted(c[0] for c in calls)
    assert (np.diff([w.iterations for w in found.trajectory], axis=0) >= 0).all()
    np.testing.assert_allclose(found.value, minimiser.value(found.position, minimiser.describe(audio)), rtol=1e-4)  # of the last stage
    first = [w.value for w in found.trajectory if (w.iterations <= 20).all()]
    assert (first[-1] < first[0]).all() and not np.allclose(first[0], plain.value)  # the first stage's own objective, log_stft
    before = StagedMinimiser(tiny_generator, dataclasses.replace(CONFIG, waveform=0.0, log_stft=1.0))
    np.testing.assert_allclose(first[0], before.value(latents(4)[2:], before.describe(audio)), rtol=1e-4)


def test_stages_of_a_recipe_are_read_and_checked():
    recipe = recipe_from_dict({"inversion": {"waveform": 1.0, "stages": [{"share": 0.3, "log_stft": 2}]}})
    assert recipe.inversion.stages == ({"share": 0.3, "log_stft": 2},)
    for stages, message in [
        ([{"log_stft": 1.0}], "needs a share"),
        ([{"share": 0.5}, {"share": 0.5}], "must leave some iterations"),
        ([{"share": 0.5, "loudness": 1.0}], "loudness"),
        ([{"share": 0.5, "stft": -1.0}], "received -1.0"),
        (["coarse"], "received 'coarse'"),
    ]:
        with pytest.raises(UserError, match=message):
            recipe_from_dict({"inversion": {"waveform": 1.0, "stages": stages}})


@pytest.mark.parametrize("latent", ["clipped", "stochastic"])
def test_z_stays_in_its_range(generator, real_clips, latent):
    audio = real_clips.float_audio(0, 2)
    free = invert(audio, generator, "gradient", config=CONFIG)
    kept = invert(audio, generator, "gradient", config=dataclasses.replace(CONFIG, latent=latent))
    again = invert(audio, generator, "gradient", config=dataclasses.replace(CONFIG, latent=latent))
    assert np.abs(free.z).max() > 1 >= np.abs(kept.z).max()
    np.testing.assert_array_equal(kept.z, again.z)


def test_stochastic_clipping_moves_only_what_is_outside():
    z = np.array([[0.5, 1.5, -0.2], [0.1, 0.2, 0.3]], np.float32)
    project = projection("stochastic", seeds(2))
    first, second = project(z, np.arange(2)), project(z, np.arange(2))
    np.testing.assert_array_equal(first[:, [0, 2]], z[:, [0, 2]])
    assert abs(first[0, 1]) <= 1 and first[0, 1] != second[0, 1]
    np.testing.assert_array_equal(projection("stochastic", seeds(2))(z[:1], np.array([0])), first[:1])
    assert projection("free", None) is None


def test_bad_choices_are_told():
    for field, value in [("latent", "boxed"), ("line_search", "newton")]:
        with pytest.raises(UserError, match=f"{field} must be one of .* received '{value}'"):
            InversionConfig(**{field: value})


def test_without_a_classifier_no_stage_asks_for_one(tiny_generator):
    config = InversionConfig(log_stft=1.0, perceptual=1.0, stages=({"share": 0.5, "perceptual": 2.0},))
    with pytest.raises(UserError, match="give one"):
        StagedMinimiser(tiny_generator, config)
    StagedMinimiser(tiny_generator, without_perceptual(config))
