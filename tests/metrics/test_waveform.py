import numpy as np
import pytest

from tf_wavegan_inv.metrics import latent, spectrogram, waveform

CLIPS = np.random.default_rng(0).normal(size=(3, 4000, 1))


def test_silence_scores_one():
    np.testing.assert_allclose(waveform.relative_mse(CLIPS, np.zeros_like(CLIPS)), 1)
    np.testing.assert_allclose(waveform.mse(CLIPS, np.zeros_like(CLIPS)), np.mean(CLIPS**2, axis=(1, 2)))


@pytest.mark.parametrize("decibels", [-3.0, 10.0, 40.0])
def test_si_sdr_of_known_noise_at_any_gain(decibels):
    noise = np.random.default_rng(1).normal(size=CLIPS.shape)
    noise -= CLIPS * np.sum(noise * CLIPS, axis=1, keepdims=True) / np.sum(CLIPS**2, axis=1, keepdims=True)  # orthogonal
    noise *= np.sqrt(np.sum(CLIPS**2, axis=1, keepdims=True) / np.sum(noise**2, axis=1, keepdims=True)) * 10 ** (-decibels / 20)
    np.testing.assert_allclose(waveform.si_sdr(CLIPS, 0.3 * (CLIPS + noise)), decibels, atol=1e-9)


def test_log_spectral_distance_of_a_gain_is_that_gain():
    np.testing.assert_allclose(spectrogram.log_spectral_distance(CLIPS, 0.5 * CLIPS), 20 * np.log10(2), rtol=0.02)
    np.testing.assert_allclose(spectrogram.log_spectral_distance(CLIPS, CLIPS), 0)


def test_level_of_a_full_scale_sine_is_zero():
    sine = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)[None, :, None]
    assert spectrogram.levels(sine).max() == pytest.approx(0, abs=0.1)


def test_latent_errors():
    z, other = np.zeros((1, 4)), np.array([[0.0, 0, 0, 2]])
    assert latent.rmse(z, other) == [1] and latent.max_error(z, other) == [2]
