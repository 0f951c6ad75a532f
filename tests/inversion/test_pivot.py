import keras
import numpy as np
import pytest

from tf_wavegan_inv import UserError, pivotal_tuning


def test_tunes_a_copy_to_one_clip(generator, real_clips, latents):
    z, audio = latents(1)[0], real_clips.float_audio(0, 1)[0]
    before = np.asarray(generator(z[None]))[0]
    calls = []
    pivot = pivotal_tuning(generator, audio, z=z, steps=30, progress=lambda *c: calls.append(c))
    np.testing.assert_array_equal(np.asarray(generator(z[None]))[0], before)
    np.testing.assert_allclose(pivot.generator(z[None])[0], pivot.audio, atol=1e-6)
    power = np.mean(audio**2)
    assert np.mean((pivot.audio - audio) ** 2) < 0.7 * power < np.mean((before - audio) ** 2)
    assert pivot.objective.min() < 0.6 * pivot.objective[0] and calls[-1] == (30, 30)


def test_only_of_a_wavegan(latents):
    model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(64), keras.layers.Reshape((64, 1))])
    with pytest.raises(UserError, match="needs a WaveGAN.*received a Sequential"):
        pivotal_tuning(model, np.zeros((64, 1)), z=latents(1)[0])
