"""Spectrograms as pictures."""

import numpy as np

DYNAMIC_RANGE = 80.0  # dB
# Anchors of a dark-to-light map whose lightness rises evenly, so that louder is always lighter.
COLOURS = np.array([[0, 0, 8], [48, 12, 92], [128, 30, 120], [208, 60, 92], [250, 130, 70], [254, 206, 130], [252, 253, 220]])


def spectrogram_picture(audio, frame_length=512, frame_step=64, scale=1):
    """A log-magnitude spectrogram in colour: time runs right, frequency up, 80 dB from a full-scale sine down to black.

    Args:
        audio: float [samples, channels]; the channels' mean is drawn.
        frame_length: samples a frame.
        frame_step: samples from frame to frame.
        scale: how often each pixel is repeated, either way.

    Returns:
        uint8 [bins * scale, frames * scale, 3].
    """
    mono = np.pad(np.asarray(audio, np.float64).mean(axis=1), (0, frame_length))
    frames = np.lib.stride_tricks.sliding_window_view(mono, frame_length)[::frame_step]
    window = np.hanning(frame_length + 1)[:-1]
    level = 20 * np.log10(np.abs(np.fft.rfft(frames * window)) / (window.sum() / 2) + 1e-12)
    share = np.clip(1 + level / DYNAMIC_RANGE, 0, 1)
    place = share.T[::-1] * (len(COLOURS) - 1)
    picture = np.stack([np.interp(place, np.arange(len(COLOURS)), COLOURS[:, c]) for c in range(3)], axis=-1)
    return np.kron(picture.round(), np.ones((scale, scale, 1))).astype(np.uint8)
