"""Distances between spectrograms. Both inputs: [clips, samples, channels]; result: [clips]."""

import numpy as np

FRAME_LENGTH, FRAME_STEP = 512, 128
FLOOR_DB = -80.0  # relative to a full-scale sine; lower levels count as silence
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))


def spectrum(audio, frame_length: int = FRAME_LENGTH, frame_step: int = FRAME_STEP) -> np.ndarray:
    """STFT of the mean of the channels with a periodic Hann window: complex [clips, frames, bins].

    The end is zero-padded: the frames are those of `tf.signal.stft(..., pad_end=True)`.
    """
    mono = np.asarray(audio, np.float64).mean(axis=2)
    frames = -(-mono.shape[1] // frame_step)
    mono = np.pad(mono, [(0, 0), (0, (frames - 1) * frame_step + frame_length - mono.shape[1])])
    frames = np.lib.stride_tricks.sliding_window_view(mono, frame_length, axis=1)[:, ::frame_step]
    return np.fft.rfft(frames * np.hanning(frame_length + 1)[:-1])


def levels(audio, frame_length: int = FRAME_LENGTH, frame_step: int = FRAME_STEP) -> np.ndarray:
    """Level of each time-frequency cell in dB of a full-scale sine, at least `FLOOR_DB`: [clips, frames, bins]."""
    magnitude = np.abs(spectrum(audio, frame_length, frame_step)) / (frame_length / 4)  # half of the window's sum
    return np.maximum(20 * np.log10(magnitude + 1e-12), FLOOR_DB)


def log_spectral_distance(reference, estimate) -> np.ndarray:
    """Root mean squared difference of the levels over bins, mean over frames, in dB.

    Gray & Markel, "Distance measures for speech processing", 1976. Levels below -80 dB are raised to -80 dB.
    """
    return np.sqrt(np.mean((levels(reference) - levels(estimate)) ** 2, axis=2)).mean(axis=1)


def multi_resolution_stft(reference, estimate) -> np.ndarray:
    """Multi-resolution STFT distance: spectral convergence plus mean absolute difference of log magnitudes.

    Yamamoto, Song & Kim, "Parallel WaveGAN", 2020, section 2.2; mean over frames of 256, 512 and 1024
    samples; 0 for a perfect copy. Magnitudes below -80 dB of a full-scale sine are raised to it.
    """
    total = 0.0
    for frame_length, frame_step in RESOLUTIONS:
        floor = frame_length / 4 * 10 ** (FLOOR_DB / 20)
        ours, theirs = (np.maximum(np.abs(spectrum(a, frame_length, frame_step)), floor) for a in (reference, estimate))
        convergence = np.sqrt(np.sum((ours - theirs) ** 2, axis=(1, 2)) / np.sum(ours**2, axis=(1, 2)))
        total = total + convergence + np.mean(np.abs(np.log(ours) - np.log(theirs)), axis=(1, 2))
    return total / len(RESOLUTIONS)
