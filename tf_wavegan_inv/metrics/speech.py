"""Intelligibility and quality of speech, by the optional packages pystoi and pesq (`pip install -e '.[speech]'`)."""

import importlib.util
import warnings

import numpy as np

WIDE_BAND = 16000  # Hz


def available():
    """Names of the metrics whose packages are installed."""
    packages = {"speech/stoi": "pystoi", "speech/pesq": "pesq"}
    return [name for name, package in packages.items() if importlib.util.find_spec(package)]


def stoi(reference, estimate, sample_rate=16000):
    """Short-time objective intelligibility (Taal et al., 2011), about 0 to 1: [clips, samples, channels] twice -> [clips].

    NaN where fewer than 30 frames are left without silence: the measure is not defined there.
    """
    import pystoi

    def of(clean, other):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                return pystoi.stoi(clean, other, sample_rate)
            except RuntimeWarning:
                return np.nan

    return _clip_by_clip(of, reference, estimate)


def pesq(reference, estimate, sample_rate=16000):
    """Perceptual evaluation of speech quality, wide band (ITU-T P.862.2), 1 to 4.6: [clips, samples, channels] twice -> [clips].

    Heard at 16 kHz, whatever the rate. NaN where no utterance is found.
    """
    import pesq as package

    from tf_wavegan_inv.audio.resample import resample

    def of(clean, other):
        both = [np.asarray(resample(x[:, None].astype(np.float32), sample_rate, WIDE_BAND))[:, 0] for x in (clean, other)]
        try:
            return package.pesq(WIDE_BAND, *both, "wb")
        except (package.NoUtterancesError, package.BufferTooShortError):
            return np.nan

    return _clip_by_clip(of, reference, estimate)


def _clip_by_clip(metric, reference, estimate):
    pairs = zip(np.asarray(reference, np.float64).mean(axis=2), np.asarray(estimate, np.float64).mean(axis=2), strict=True)
    return np.array([metric(clean, other) for clean, other in pairs])
