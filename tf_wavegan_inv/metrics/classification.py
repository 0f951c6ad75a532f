"""Quality of a classifier: confidence intervals of shares, confusion, calibration."""

import numpy as np

CALIBRATION_BINS = 10


def wilson_interval(hits: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a share.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        hits: int. Number of successes.
        count: int. Number of trials, at least 1.
        confidence: float. Level of the interval. Default 0.95.

    Returns:
        (low, high), both in 0..1.
    """
    from scipy.stats import binomtest  # late: scipy.stats takes half a second to import

    interval = binomtest(int(hits), int(count)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def confusion_matrix(labels, predicted, *, classes: int = 10) -> np.ndarray:
    """Counts: int [classes, classes], one row a true label, one column a predicted label."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (np.asarray(labels), np.asarray(predicted)), 1)
    return matrix


def calibration(probabilities, labels, *, bins: int = CALIBRATION_BINS):
    """Agreement of a classifier's confidence with its accuracy.

    Guo et al., "On calibration of modern neural networks", 2017.

    Args:
        probabilities: float [clips, classes].
        labels: int [clips]. True labels.
        bins: int. Number of evenly spaced bins of the confidence in 0..1. Default 10.

    Returns:
        (error, rows): the expected calibration error, and a tuple (clips, mean confidence, accuracy) for each
        bin that holds clips.
    """
    probabilities = np.asarray(probabilities, np.float64)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(labels)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    members = [place == b for b in np.unique(place)]
    rows = [(int(m.sum()), float(confidence[m].mean()), float(correct[m].mean())) for m in members]
    return sum(n * abs(c - a) for n, c, a in rows) / len(correct), rows
