"""Distances between waveforms. Both inputs: [clips, samples, channels]; result: [clips]."""

import numpy as np


def mse(reference, estimate) -> np.ndarray:
    """Mean squared error of the samples (the paper's MSE)."""
    return np.mean((np.asarray(reference, np.float64) - estimate) ** 2, axis=(1, 2))


def relative_mse(reference, estimate) -> np.ndarray:
    """Mean squared error divided by the reference's power: 0 for a perfect copy, 1 for silence."""
    return mse(reference, estimate) / np.mean(np.asarray(reference, np.float64) ** 2, axis=(1, 2))


def snr(reference, estimate) -> np.ndarray:
    """Signal-to-noise ratio in dB; the noise is the difference. 0 for silence, infinite for a perfect copy."""
    with np.errstate(divide="ignore"):
        return 0.0 - 10 * np.log10(relative_mse(reference, estimate))


def si_sdr(reference, estimate) -> np.ndarray:
    """Scale-invariant signal-to-distortion ratio in dB; NaN for silence.

    Le Roux et al., "SDR - half-baked or well done?", 2019, equation 3.
    """
    reference = np.asarray(reference, np.float64).reshape(len(reference), -1)
    estimate = np.asarray(estimate, np.float64).reshape(len(estimate), -1)
    scale = np.sum(reference * estimate, axis=1) / np.sum(reference**2, axis=1)
    target = scale[:, np.newaxis] * reference
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(np.sum(target**2, axis=1) / np.sum((target - estimate) ** 2, axis=1))
