"""What is told of each inverted clip: the columns of inversions.csv and of what a cluster writes."""

import numpy as np

from tf_wavegan_inv.evaluation.clips import DISTANCES, OF_A_RATE, measure
from tf_wavegan_inv.names import column

FOUND = ("status", "objective", "iterations", "evaluations", "seconds", "gain", "distance")
MEASURED = tuple(column(name) for name in (*DISTANCES, *OF_A_RATE))
HEARD = ("digit", "digit_original")


def columns_of(result, audio, sample_rate, judge=None):
    """Columns of one batch.

    Args:
        result: `InversionResult`.
        audio: float [batch, samples, channels], the clips.
        sample_rate: Hz.
        judge: `Judge`, for `HEARD`.

    Returns:
        dict of column to list or array [batch]: `FOUND`, `MEASURED` (against the clip divided by its gain) and, with a judge, `HEARD`.
    """
    found = {name: getattr(result, name) for name in FOUND}
    distances = measure(audio / result.gain[:, None, None], result.audio, sample_rate)
    found |= {column(name): np.asarray(values) for name, values in distances.items()}
    if judge:
        found |= {"digit": judge(result.audio).digits, "digit_original": judge(audio).digits}
    return found
