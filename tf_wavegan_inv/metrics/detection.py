"""Telling two kinds of clips apart by a score."""

import numpy as np


def roc(positive, negative):
    """Receiver operating characteristic of a score that is to be higher for the positive ones.

    Args:
        positive, negative: float [clips], scores.

    Returns:
        false positive rates and true positive rates, each rising from 0 to 1, and the score above or at which each pair holds.
    """
    positive, negative = np.sort(positive), np.sort(negative)
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([positive, negative]))[::-1]])
    true, false = (1 - np.searchsorted(s, thresholds, side="left") / len(s) for s in (positive, negative))
    return false, true, thresholds


def area_under_roc(positive, negative):
    """Probability that a positive one scores higher than a negative one, ties counting half: 0.5 for guessing, 1 for perfect."""
    negative = np.sort(negative)
    below, not_above = (np.searchsorted(negative, positive, side) for side in ("left", "right"))
    return float(np.mean(below + not_above) / (2 * len(negative)))
