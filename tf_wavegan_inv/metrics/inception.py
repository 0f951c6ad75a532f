"""Scores of a set of clips by a classifier's probabilities."""

import numpy as np


def inception_score(probabilities, *, splits: int = 10) -> tuple[float, float]:
    """Inception Score: exp of the mean Kullback-Leibler divergence of p(y|x) from p(y).

    Salimans et al., "Improved Techniques for Training GANs" (2016), section 4, by WaveGAN's protocol
    (official `eval/inception/score.py`: 50,000 clips, 10 splits): mean and population standard deviation over
    contiguous groups of clips.

    Args:
        probabilities: float [clips, classes]. Each row sums to 1.
        splits: int. Number of groups, at most the number of clips. Default 10.

    Returns:
        (mean, standard deviation). The mean lies between 1 and the number of classes.
    """
    probabilities = np.asarray(probabilities, np.float64)
    scores = []
    for i in range(splits):
        group = probabilities[i * len(probabilities) // splits : (i + 1) * len(probabilities) // splits]
        marginal = group.mean(axis=0, keepdims=True)
        ratio = np.log(np.maximum(group, 1e-300)) - np.log(np.maximum(marginal, 1e-300))
        terms = np.where(group > 0, group * ratio, 0)
        scores.append(np.exp(terms.sum(axis=1).mean()))
    return float(np.mean(scores)), float(np.std(scores))
