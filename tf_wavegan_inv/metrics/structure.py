"""Structural similarity of spectrograms. Both inputs: [clips, samples, channels]; result: [clips], 1 for a perfect copy."""

import numpy as np

from tf_wavegan_inv.metrics.spectrogram import FLOOR_DB, levels, spectrum

WINDOW = 7  # cells, in both directions
K1, K2 = 0.01, 0.03


def ssim(reference, estimate) -> np.ndarray:
    """SSIM of the spectrograms in dB (frames of 512 samples) on a fixed range: -80 dB to a full-scale sine."""
    return _similarity(levels(reference), levels(estimate), np.full(len(reference), -FLOOR_DB))


def ssim_real_stft(reference, estimate) -> np.ndarray:
    """The paper's SSIM as its code computes it: real part of the STFT 256/128, range of values of the pair.

    Most cells of this picture are near zero in any clip, so unrelated clips score high as well. Use `ssim` to
    compare methods.
    """
    pictures = [spectrum(audio, 256, 128).real for audio in (reference, estimate)]
    ends = [(p.max(axis=(1, 2)), p.min(axis=(1, 2))) for p in pictures]
    spans = np.maximum(ends[0][0], ends[1][0]) - np.minimum(ends[0][1], ends[1][1])
    return _similarity(*pictures, spans)


def _similarity(x, y, span):
    """Mean SSIM over all windows within the picture.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, equation 13,
    with a flat 7 x 7 window and sample covariances: the default of `skimage.metrics.structural_similarity`.

    Args:
        x: float [clips, rows, columns].
        y: float [clips, rows, columns].
        span: float [clips]. Range of values.

    Returns:
        float [clips].
    """
    n = WINDOW**2
    mean_x, mean_y = _window_means(x), _window_means(y)
    scale = n / (n - 1)
    variance_x = scale * (_window_means(x * x) - mean_x**2)
    variance_y = scale * (_window_means(y * y) - mean_y**2)
    covariance = scale * (_window_means(x * y) - mean_x * mean_y)
    c1, c2 = ((k * span[:, None, None]) ** 2 for k in (K1, K2))
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (above / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean(axis=(1, 2))


def _window_means(x):
    """Means over all windows within the picture: [clips, rows, columns] -> [clips, rows - 6, columns - 6]."""
    for axis in (1, 2):
        x = np.lib.stride_tricks.sliding_window_view(x, WINDOW, axis=axis).mean(axis=-1)
    return x
