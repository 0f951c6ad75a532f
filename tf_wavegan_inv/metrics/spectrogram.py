"""Distances between spectrograms: audio [clips, samples, channels] twice -> [clips]."""

import numpy as np

FRAME_LENGTH, FRAME_STEP = 512, 128
FLOOR_DB = -80.0  # below a full-scale sine; what is quieter counts as silence


def levels(audio):
    """Level of each time-frequency cell in dB of a full-scale sine, at least `FLOOR_DB`: [clips, frames, bins]. Channels are averaged."""
    mono = np.asarray(audio, np.float64).mean(axis=2)
    mono = np.pad(mono, [(0, 0), (0, max(FRAME_LENGTH - FRAME_STEP, FRAME_LENGTH - mono.shape[1]))])
    frames = np.lib.stride_tricks.sliding_window_view(mono, FRAME_LENGTH, axis=1)[:, ::FRAME_STEP]
    window = np.hanning(FRAME_LENGTH + 1)[:-1]
    magnitude = np.abs(np.fft.rfft(frames * window)) / (window.sum() / 2)
    return np.maximum(20 * np.log10(magnitude + 1e-12), FLOOR_DB)


def log_spectral_distance(reference, estimate):
    """Root mean square over bins of the difference in level, the mean over frames, in dB (Gray & Markel, "Distance measures for speech
    processing", 1976), with levels below -80 dB taken as -80 dB.
    """
    return np.sqrt(np.mean((levels(reference) - levels(estimate)) ** 2, axis=2)).mean(axis=1)
