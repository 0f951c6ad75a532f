"""Separation of two kinds of clips by a score."""

import numpy as np


def roc(positive, negative):
    """Receiver operating characteristic of a score that is higher for positives.

    Args:
        positive: float [clips]. Scores of the positives.
        negative: float [clips]. Scores of the negatives.

    Returns:
        (false, true, thresholds): false positive rates and true positive rates, each rising from 0 to 1, of
        the rule "score at or above the threshold".
    """
    positive, negative = np.sort(positive), np.sort(negative)
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([positive, negative]))[::-1]])
    true, false = (1 - np.searchsorted(s, thresholds, side="left") / len(s) for s in (positive, negative))
    return false, true, thresholds


def area_under_roc(positive, negative) -> float:
    """Probability that a positive scores higher than a negative, ties counted half: 0.5 for chance, 1 for perfect."""
    negative = np.sort(negative)
    below, not_above = (np.searchsorted(negative, positive, side) for side in ("left", "right"))
    return float(np.mean(below + not_above) / (2 * len(negative)))
