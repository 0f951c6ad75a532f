"""Columns for each inverted clip: those of inversions.csv and of the files that `beam` writes."""

import numpy as np

from tf_wavegan_inv.evaluation.evaluators import DISTANCES, RATE_DISTANCES, measure
from tf_wavegan_inv.inversion.result import InversionResult
from tf_wavegan_inv.models.predictions import ClipClassifier
from tf_wavegan_inv.names import column

FOUND = ("status", "objective", "iterations", "evaluations", "seconds", "gain", "distance")
MEASURED = tuple(column(name) for name in (*DISTANCES, *RATE_DISTANCES))
LABELS = ("label_predicted", "label_original", "label_agreement")


def columns_of(result: InversionResult, audio: np.ndarray, *, sample_rate: int, classifier: ClipClassifier | None = None) -> dict:
    """Columns of one batch.

    Args:
        result: InversionResult. The inversion of `audio`.
        audio: float [batch, samples, channels]. The clips.
        sample_rate: int. Sample rate in Hz.
        classifier: ClipClassifier or None. Source of the columns `LABELS`. Default None: without them.

    Returns:
        dict of column to list or array [batch]: `FOUND`, `MEASURED` (distances from the clip divided by its
        gain) and, with a classifier, `LABELS`.
    """
    found = {name: getattr(result, name) for name in FOUND}
    distances = measure(audio / result.gain[:, None, None], result.audio, sample_rate=sample_rate)
    found |= {column(name): np.asarray(values) for name, values in distances.items()}
    if classifier:
        predicted, original = classifier(result.audio).labels, classifier(audio).labels
        agreement = (predicted == original).astype(int)
        found |= dict(zip(LABELS, (predicted, original, agreement), strict=True))
    return found
