"""Measuring reconstructions clip by clip."""

import numpy as np

from tf_wavegan_inv.metrics import cepstrum, spectrogram, speech, structure, waveform

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
OF_A_RATE = {"spectrogram/mel_cepstral_distortion": cepstrum.mel_cepstral_distortion}  # these want the sample rate
SPEECH = {"speech/stoi": speech.stoi, "speech/pesq": speech.pesq}
CHUNK = 64  # clips measured at a time, which bounds memory


def measure(originals, reconstructions, sample_rate=16000, with_speech=False):
    """Distances of reconstructions from their originals.

    Args:
        originals, reconstructions: float [clips, samples, channels].
        sample_rate: Hz.
        with_speech: also STOI and PESQ, those whose packages are installed.

    Returns:
        dict of name (see `names.NAMES`) to float [clips].
    """
    of_a_rate = OF_A_RATE | {name: SPEECH[name] for name in speech.available() if with_speech}
    parts = []
    for first in range(0, len(originals), CHUNK):
        pair = originals[first : first + CHUNK], reconstructions[first : first + CHUNK]
        parts.append({name: of(*pair) for name, of in DISTANCES.items()} | {name: of(*pair, sample_rate) for name, of in of_a_rate.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
