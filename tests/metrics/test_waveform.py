import numpy as np
import pytest

from tf_wavegan_inv.metrics import latent, waveform

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


@pytest.mark.parametrize("decibels", [-3.0, 10.0, 40.0])
def test_snr_of_known_noise(decibels):
    noise = CLIPS[:, ::-1] * 10 ** (-decibels / 20)
    np.testing.assert_allclose(waveform.snr(CLIPS, CLIPS + noise), decibels, atol=1e-9)


def test_latent_errors():
    z, other = np.zeros((1, 4)), np.array([[0.0, 0, 0, 2]])
    assert latent.rmse(z, other) == [1] and latent.max_error(z, other) == [2]
    angle = np.pi / 3
    np.testing.assert_allclose(latent.cosine([[1.0, 0]], [[2 * np.cos(angle), 2 * np.sin(angle)]]), np.cos(angle))
