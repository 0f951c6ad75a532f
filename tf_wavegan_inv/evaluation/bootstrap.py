"""Confidence interval of the difference between two methods."""

import numpy as np

RESAMPLES = 10000
BATCH = 1000  # resamples in memory at a time


def paired_difference(values, others, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float, float, int]:
    """Mean difference of two methods over the same clips, with its 95 % bootstrap interval.

    Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 13: pairs are resampled with
    replacement, and the interval holds the middle 95 % of the means. Pairs with a value that is not finite are
    excluded.

    Args:
        values: float [clips]. Values of one method.
        others: float [clips]. Values of the other method.
        resamples: int. Number of bootstrap samples. Default 10000.
        seed: int. Seed of the resampling. Default 0.

    Returns:
        (mean of values - others, low, high, pairs). The first three are NaN if there is no pair.
    """
    from scipy.stats import bootstrap  # late: scipy.stats takes half a second to import

    difference = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    difference = difference[np.isfinite(difference)]
    if len(difference) < 2:  # SciPy needs two
        mean = float(difference[0]) if len(difference) else np.nan
        return mean, mean, mean, len(difference)
    interval = bootstrap(
        (difference,),
        np.mean,
        n_resamples=resamples,
        batch=BATCH,
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(difference.mean()), float(interval.low), float(interval.high), len(difference)
