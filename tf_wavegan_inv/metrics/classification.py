"""How well a classifier hears the digits: accuracy, confusion, calibration."""

import numpy as np

CALIBRATION_BINS = 10


def wilson_interval(hits, count, z=1.959964):
    """Interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference", 1927); 95 % by default.

    Args:
        hits: successes.
        count: trials, at least 1.
        z: quantile of the normal distribution.

    Returns:
        (low, high), in 0..1.
    """
    share = hits / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def confusion_matrix(labels, heard, classes=10):
    """Counts: int [classes, classes]; the row is the label, the column what was heard."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (np.asarray(labels), np.asarray(heard)), 1)
    return matrix


def calibration(probabilities, labels, bins=CALIBRATION_BINS):
    """Does the classifier's confidence say how often it is right? (Guo et al., "On calibration of modern neural networks", 2017.)

    Args:
        probabilities: [clips, classes].
        labels: int [clips].
        bins: of the confidence, evenly spaced in 0..1.

    Returns:
        the expected calibration error, and for each bin that holds clips (clips, mean confidence, accuracy).
    """
    probabilities = np.asarray(probabilities, np.float64)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(labels)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [(int((place == b).sum()), float(confidence[place == b].mean()), float(right[place == b].mean())) for b in np.unique(place)]
    return sum(n * abs(c - a) for n, c, a in rows) / len(right), rows
