"""Audio that can be inverted, and why other audio cannot."""

import numpy as np

from tf_wavegan_inv.errors import UserError

LOUDEST = 4.0  # peak beyond which samples cannot be meant to lie in [-1, 1]


def check_audio(audio: np.ndarray, clip_shape: tuple[int, int]) -> np.ndarray:
    """Audio as float32.

    Args:
        audio: float [batch, samples, channels].
        clip_shape: tuple. Samples and channels of the generator's clips.

    Raises:
        UserError: unless the audio is of that shape, finite, in [-1, 1] and not silent.
    """
    audio = np.asarray(audio)
    if audio.ndim != 3 or audio.shape[1:] != tuple(clip_shape) or not len(audio):
        raise UserError(
            f"audio must be [batch, {clip_shape[0]}, {clip_shape[1]}] (batch, samples, channels), received "
            f"{list(audio.shape)}; twi.load_audio reads files into that shape."
        )
    audio = audio.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(audio).all(axis=(1, 2)))
    if len(bad):
        raise UserError(f"audio holds NaN or infinite samples in clips {bad[:10].tolist()}: leave them out.")
    peaks = np.abs(audio).max(axis=(1, 2))
    if peaks.max() > LOUDEST:
        raise UserError(f"audio must lie in [-1, 1], received a peak of {peaks.max():g}: divide 16-bit integers by 32768.")
    if peaks.min() == 0:
        silent = np.flatnonzero(peaks == 0)[:10].tolist()
        raise UserError(f"audio is silent in clips {silent}: leave them out.")
    return audio


def fault_of(clip: np.ndarray, seconds: float) -> str | None:
    """Why a clip cannot be inverted, as a message; None if it can.

    Args:
        clip: float [samples, channels]. The clip, conditioned for inversion.
        seconds: float. Length of the clip.
    """
    peak = float(np.abs(clip).max())
    if peak == 0:
        return f"silent in its first {seconds:.2f} s, the part to invert: cut off the silence."
    if peak > LOUDEST:
        return f"its samples reach {peak:g}, where full scale is 1, and peak_normalise is false: lower its level."
    return None
