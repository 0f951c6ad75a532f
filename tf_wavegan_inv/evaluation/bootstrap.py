"""How sure a difference between two methods is."""

import numpy as np

RESAMPLES = 10000


def paired_difference(values, others, resamples=RESAMPLES, seed=0):
    """The mean difference of two methods over the same clips, with its 95 % interval.

    Clips are drawn anew, with replacement, both methods' values together; the interval holds the middle 95 % of the means (Efron &
    Tibshirani, "An introduction to the bootstrap", 1993, chapter 13). Pairs with a value that is not finite are left out.

    Args:
        values, others: float [clips].
        resamples: how often.
        seed: int.

    Returns:
        (mean of values - others, low, high, pairs); NaN for all but the last where there is no pair.
    """
    difference = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    difference = difference[np.isfinite(difference)]
    if not len(difference):
        return np.nan, np.nan, np.nan, 0
    random = np.random.default_rng(seed)
    means = [difference[random.integers(0, len(difference), len(difference))].mean() for _ in range(resamples)]
    return float(difference.mean()), *(float(q) for q in np.quantile(means, [0.025, 0.975])), len(difference)
