"""Metrics of spectrograms: known answers, and independent implementations."""

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import skimage.metrics
import tensorflow as tf

from tf_wavegan_inv.metrics import cepstrum, spectrogram, structure

RANDOM = np.random.default_rng(0)
CLIPS = RANDOM.normal(size=(3, 4000, 1))
OTHERS = 0.7 * CLIPS + 0.3 * RANDOM.normal(size=CLIPS.shape)


@pytest.mark.parametrize("frame_length, frame_step", [(512, 128), (256, 128), (256, 64)])
def test_spectrum_is_that_of_tensorflow(frame_length, frame_step):
    expected = tf.signal.stft(CLIPS[..., 0], frame_length, frame_step, pad_end=True).numpy()
    np.testing.assert_allclose(spectrogram.spectrum(CLIPS, frame_length, frame_step), expected, atol=1e-9)


def test_log_spectral_distance_of_a_gain_is_that_gain():
    np.testing.assert_allclose(spectrogram.log_spectral_distance(CLIPS, 0.5 * CLIPS), 20 * np.log10(2), rtol=0.02)


def test_level_of_a_full_scale_sine_is_zero():
    sine = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)[None, :, None]
    assert spectrogram.levels(sine).max() == pytest.approx(0, abs=0.1)


def test_multi_resolution_stft_of_a_gain():
    """Half as loud: spectral convergence 1/2, log magnitudes apart by ln 2."""
    np.testing.assert_allclose(spectrogram.multi_resolution_stft(CLIPS, 0.5 * CLIPS), 0.5 + np.log(2), rtol=1e-3)


def test_ssim_is_that_of_scikit_image():
    for ours, picture, span in (
        (structure.ssim, spectrogram.levels, lambda x, y: 80.0),
        (
            structure.ssim_real_stft,
            lambda audio: spectrogram.spectrum(audio, 256, 128).real,
            lambda x, y: max(x.max(), y.max()) - min(x.min(), y.min()),
        ),
    ):
        pairs = zip(picture(CLIPS), picture(OTHERS), strict=True)
        expected = [skimage.metrics.structural_similarity(x, y, data_range=span(x, y)) for x, y in pairs]
        np.testing.assert_allclose(ours(CLIPS, OTHERS), expected, atol=1e-9)


def test_cepstra_are_scipys():
    bands = (np.abs(spectrogram.spectrum(CLIPS)) / 128) ** 2 @ cepstrum.mel_bands(16000)
    expected = scipy.fft.dct(0.5 * np.log(np.maximum(bands, 1e-8)))[..., :14] / 40  # SciPy's has twice the sum
    expected[..., 0] /= 2
    np.testing.assert_allclose(cepstrum.mel_cepstra(CLIPS, 16000), expected, atol=1e-9)


def test_mel_cepstral_distortion_is_the_difference_of_envelopes_in_decibels(monkeypatch):
    """A ripple of 6 dB over the bands differs from a flat envelope by 6 / sqrt(2) dB, root mean square."""
    ripple = np.log(10) / 20 * 6 * np.cos(np.pi * 3 * (2 * np.arange(40) + 1) / 80)
    monkeypatch.setattr(cepstrum, "mel_cepstra", lambda audio, rate: cepstrum.cosine_series(audio))
    found = cepstrum.mel_cepstral_distortion(np.zeros((1, 5, 40)), np.tile(ripple, (1, 5, 1)))
    np.testing.assert_allclose(found, 6 / np.sqrt(2))


def test_mel_cepstral_distortion_hears_colour_and_not_loudness():
    loud, soft = (cepstrum.mel_cepstra(audio, 16000)[:, :-4] for audio in (CLIPS, 0.1 * CLIPS))  # the last frames fade into silence
    np.testing.assert_allclose(loud[..., 1:], soft[..., 1:], atol=1e-9)
    np.testing.assert_allclose(cepstrum.mel_cepstral_distortion(CLIPS, CLIPS), 0)
    dull = scipy.signal.lfilter([1, 0.9], [1], CLIPS, axis=1)
    assert (cepstrum.mel_cepstral_distortion(CLIPS, dull) > 1).all()


def test_mel_bands_cover_speech():
    bands = cepstrum.mel_bands(16000)
    assert bands.shape == (257, 40) and (bands[2:256].sum(axis=1) > 0).all()  # from 60 Hz on
    np.testing.assert_allclose(bands.sum(axis=0), 1)
