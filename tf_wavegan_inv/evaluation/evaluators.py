"""Evaluators of clips: each yields (name, values [clips]), with names of `names.NAMES`.

To add a metric, write it in `metrics/`, name it in `names.NAMES` and yield it here.
"""

import typing

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.metrics import cepstrum, latent, spectrogram, speech, structure, waveform
from tf_wavegan_inv.models.predictions import Predictions

DISTANCES = {
    "waveform/mse": waveform.mse,
    "waveform/relative_mse": waveform.relative_mse,
    "waveform/snr": waveform.snr,
    "waveform/si_sdr": waveform.si_sdr,
    "spectrogram/log_spectral_distance": spectrogram.log_spectral_distance,
    "spectrogram/multi_resolution_stft": spectrogram.multi_resolution_stft,
    "spectrogram/ssim": structure.ssim,
    "spectrogram/ssim_real_stft": structure.ssim_real_stft,
}
RATE_DISTANCES = {"spectrogram/mel_cepstral_distortion": cepstrum.mel_cepstral_distortion}  # need the sample rate
SPEECH = {"speech/stoi": speech.stoi, "speech/pesq": speech.pesq}  # need the sample rate and an optional package
CHUNK = 64  # clips in memory at a time

Values = typing.Iterator[tuple[str, np.ndarray]]


def distances(originals, reconstructions, *, sample_rate: int = 16000, with_speech: bool = False) -> Values:
    """Distances of reconstructions from their originals; arguments as for `measure`."""
    for name, metric in DISTANCES.items():
        yield name, metric(originals, reconstructions)
    installed = {name: SPEECH[name] for name in speech.available() if with_speech}
    for name, metric in (RATE_DISTANCES | installed).items():
        yield name, metric(originals, reconstructions, sample_rate=sample_rate)


def latent_errors(z, recovered) -> Values:
    """Errors of recovered latent vectors, both float [clips, latent_dim]."""
    largest = latent.max_error(z, recovered)
    yield "latent/rmse", latent.rmse(z, recovered)
    yield "latent/max_error", largest
    yield "latent/cosine", latent.cosine(z, recovered)
    yield "latent/recovered", largest < latent.RECOVERED
    yield "latent/recovered_finely", largest < latent.RECOVERED_FINELY


def label_scores(predictions: Predictions, labels: np.ndarray, *, originals: np.ndarray | None = None) -> Values:
    """Scores of predicted labels.

    Args:
        predictions: Predictions. Those of the clips to score.
        labels: int [clips]. True labels, `UNKNOWN` if there is none; their accuracy is NaN.
        originals: int [clips] or None. Labels predicted for the original clips. Default None: no agreement.
    """
    yield "class/confidence", predictions.confidence
    yield "class/accuracy", np.where(labels != UNKNOWN, predictions.labels == labels, np.nan)
    if originals is not None:
        yield "class/agreement", predictions.labels == originals


def measure(originals, reconstructions, *, sample_rate: int = 16000, with_speech: bool = False) -> dict[str, np.ndarray]:
    """Distances of reconstructions from their originals, computed in chunks of bounded memory.

    Args:
        originals: float [clips, samples, channels].
        reconstructions: float [clips, samples, channels].
        sample_rate: int. Sample rate in Hz. Default 16000.
        with_speech: bool. Whether to compute STOI and PESQ if their packages are installed. Default False.

    Returns:
        dict of name (see `names.NAMES`) to float [clips].
    """
    parts = []
    for first in range(0, len(originals), CHUNK):
        pair = originals[first : first + CHUNK], reconstructions[first : first + CHUNK]
        parts.append(dict(distances(*pair, sample_rate=sample_rate, with_speech=with_speech)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
