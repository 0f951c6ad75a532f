"""Distances between spectrograms: audio [clips, samples, channels] twice -> [clips]."""

import numpy as np

FRAME_LENGTH, FRAME_STEP = 512, 128
FLOOR_DB = -80.0  # below a full-scale sine; what is quieter counts as silence
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))


def spectrum(audio, frame_length=FRAME_LENGTH, frame_step=FRAME_STEP):
    """STFT with a periodic Hann window, of the channels' mean, zero-padded at the end: complex [clips, frames, bins].

    The frames are those of `tf.signal.stft(..., pad_end=True)`.
    """
    mono = np.asarray(audio, np.float64).mean(axis=2)
    frames = -(-mono.shape[1] // frame_step)
    mono = np.pad(mono, [(0, 0), (0, (frames - 1) * frame_step + frame_length - mono.shape[1])])
    windowed = np.lib.stride_tricks.sliding_window_view(mono, frame_length, axis=1)[:, ::frame_step] * np.hanning(frame_length + 1)[:-1]
    return np.fft.rfft(windowed)


def levels(audio, frame_length=FRAME_LENGTH, frame_step=FRAME_STEP):
    """Level of each time-frequency cell in dB of a full-scale sine, at least `FLOOR_DB`: [clips, frames, bins]."""
    magnitude = np.abs(spectrum(audio, frame_length, frame_step)) / (frame_length / 4)  # half of the window's sum
    return np.maximum(20 * np.log10(magnitude + 1e-12), FLOOR_DB)


def log_spectral_distance(reference, estimate):
    """Root mean square over bins of the difference in level, the mean over frames, in dB (Gray & Markel, "Distance measures for speech
    processing", 1976), with levels below -80 dB taken as -80 dB.
    """
    return np.sqrt(np.mean((levels(reference) - levels(estimate)) ** 2, axis=2)).mean(axis=1)


def multi_resolution_stft(reference, estimate):
    """Multi-resolution STFT distance (Yamamoto, Song & Kim, "Parallel WaveGAN", 2020, section 2.2): spectral convergence plus the mean
    absolute difference of log magnitudes, the mean over frames of 256, 512 and 1024 samples. 0 for a perfect copy; magnitudes below -80 dB
    of a full-scale sine count as such.
    """
    total = 0.0
    for frame_length, frame_step in RESOLUTIONS:
        floor = frame_length / 4 * 10 ** (FLOOR_DB / 20)
        ours, theirs = (np.maximum(np.abs(spectrum(a, frame_length, frame_step)), floor) for a in (reference, estimate))
        convergence = np.sqrt(np.sum((ours - theirs) ** 2, axis=(1, 2)) / np.sum(ours**2, axis=(1, 2)))
        total = total + convergence + np.mean(np.abs(np.log(ours) - np.log(theirs)), axis=(1, 2))
    return total / len(RESOLUTIONS)
