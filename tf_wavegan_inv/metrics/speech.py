"""Intelligibility and quality of speech. Requires the optional packages pystoi and pesq (`pip install -e '.[speech]'`).

Both inputs: [clips, samples, channels]; result: [clips].
"""

import importlib.util
import warnings

import numpy as np

WIDE_BAND = 16000  # Hz


def available() -> list[str]:
    """Names of the metrics whose packages are installed."""
    packages = {"speech/stoi": "pystoi", "speech/pesq": "pesq"}
    return [name for name, package in packages.items() if importlib.util.find_spec(package)]


def stoi(reference, estimate, *, sample_rate: int = 16000) -> np.ndarray:
    """Short-time objective intelligibility (Taal et al., 2011), about 0 to 1.

    NaN for clips with fewer than 30 frames of speech: the measure is not defined there.
    """
    import pystoi

    def metric(clean, other):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                return pystoi.stoi(clean, other, sample_rate)
            except RuntimeWarning:
                return np.nan

    return _clip_by_clip(metric, reference, estimate)


def pesq(reference, estimate, *, sample_rate: int = 16000) -> np.ndarray:
    """Perceptual evaluation of speech quality, wide band (ITU-T P.862.2), 1 to 4.6.

    Clips are resampled to 16 kHz. NaN for clips without an utterance.
    """
    import pesq as package

    from tf_wavegan_inv.audio.resample import resample

    def metric(clean, other):
        columns = [x[:, None].astype(np.float32) for x in (clean, other)]
        both = [np.asarray(resample(x, sample_rate, WIDE_BAND))[:, 0] for x in columns]
        try:
            return package.pesq(WIDE_BAND, *both, "wb")
        except (package.NoUtterancesError, package.BufferTooShortError):
            return np.nan

    return _clip_by_clip(metric, reference, estimate)


def _clip_by_clip(metric, reference, estimate):
    pairs = zip(*(np.asarray(audio, np.float64).mean(axis=2) for audio in (reference, estimate)), strict=True)
    return np.array([metric(clean, other) for clean, other in pairs])
