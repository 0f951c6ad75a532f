"""Measuring reconstructions clip by clip."""

import numpy as np

from tf_wavegan_inv.metrics import spectrogram, waveform


def measure(originals, reconstructions):
    """Distances of reconstructions from their originals.

    Args:
        originals, reconstructions: float [clips, samples, channels].

    Returns:
        dict of name (see `names.NAMES`) to float [clips].
    """
    return {
        "waveform/mse": waveform.mse(originals, reconstructions),
        "waveform/relative_mse": waveform.relative_mse(originals, reconstructions),
        "waveform/si_sdr": waveform.si_sdr(originals, reconstructions),
        "spectrogram/log_spectral_distance": spectrogram.log_spectral_distance(originals, reconstructions),
    }


def heard_digits(classifier, audio, batch_size=64):
    """The digit that a classifier hears in each clip: [clips, samples, channels] -> int [clips]."""
    parts = [classifier(audio[i : i + batch_size], training=False) for i in range(0, len(audio), batch_size)]
    return np.concatenate([np.argmax(np.asarray(p), axis=-1) for p in parts])


def spread(labels, count, seed=0):
    """Indices of `count` clips, digits in turn, chosen by seed: all clips where there are no more."""
    order = np.random.default_rng(seed).permutation(len(labels))
    queues = {label: [i for i in order if labels[i] == label] for label in sorted(set(labels.tolist()))}
    chosen = []
    while len(chosen) < min(count, len(labels)):
        chosen += [queue.pop() for queue in queues.values() if queue]
    return sorted(int(i) for i in chosen[:count])
