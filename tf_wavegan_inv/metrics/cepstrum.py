"""Distances between mel cepstra. Both inputs: [clips, samples, channels]; result: [clips]."""

import functools

import numpy as np
import scipy.fft

from tf_wavegan_inv.metrics.spectrogram import FLOOR_DB, FRAME_LENGTH, spectrum

MEL_BANDS, COEFFICIENTS = 40, 13
LOWEST = 60.0  # Hz


def mel_cepstral_distortion(reference: np.ndarray, estimate: np.ndarray, *, sample_rate: int = 16000) -> np.ndarray:
    """Mel-cepstral distortion in dB, mean over frames of 512 samples.

    Kubichek, "Mel-cepstral distance measure for objective speech quality assessment", 1993:
    10 / ln 10 * sqrt(2 * sum of squared differences of the cepstral coefficients 1 to 13).
    Coefficient 0, the loudness, is excluded. There is no time alignment.

    The cepstra are those of the log energies of 40 triangular bands, evenly spaced in mel (HTK's
    formula) from 60 Hz to half of the rate. Levels below -80 dB of a full-scale sine are raised to it.
    """
    difference = mel_cepstra(reference, sample_rate) - mel_cepstra(estimate, sample_rate)
    return (10 / np.log(10) * np.sqrt(2 * np.sum(difference[..., 1:] ** 2, axis=2))).mean(axis=1)


def mel_cepstra(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cepstra of the natural logarithm of mel band magnitudes: [clips, frames, 14], coefficient 0 first."""
    bands = (np.abs(spectrum(audio)) / (FRAME_LENGTH / 4)) ** 2 @ mel_bands(sample_rate)
    return cosine_series(0.5 * np.log(np.maximum(bands, 10 ** (FLOOR_DB / 10))))


def cosine_series(logs: np.ndarray) -> np.ndarray:
    """Coefficients c of logs [..., bands] = c0 + sum of c_k cos(pi k (2 n + 1) / (2 bands)): [..., 14].

    In this scale the distortion is the root mean squared difference, in dB, of the spectral envelopes
    that 13 coefficients describe.
    """
    coefficients = scipy.fft.dct(logs)[..., : COEFFICIENTS + 1] / logs.shape[-1]
    coefficients[..., 0] /= 2
    return coefficients


@functools.cache
def mel_bands(sample_rate: int) -> np.ndarray:
    """Triangular filters of area 1, each a weighted mean of power: [bins, bands]."""

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    edges = 700 * (10 ** (np.linspace(mel(LOWEST), mel(sample_rate / 2), MEL_BANDS + 2) / 2595) - 1)
    hertz = np.arange(FRAME_LENGTH // 2 + 1)[:, None] * sample_rate / FRAME_LENGTH
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((hertz - low) / (centre - low), (high - hertz) / (high - centre)))
    return triangles / triangles.sum(axis=0)
