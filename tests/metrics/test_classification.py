"""Scores of sets of clips: known answers, and SciPy."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.stats

from tf_wavegan_inv.metrics.classification import calibration, confusion_matrix, wilson_interval
from tf_wavegan_inv.metrics.detection import area_under_roc, roc
from tf_wavegan_inv.metrics.frechet import frechet_distance
from tf_wavegan_inv.metrics.inception import inception_score

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("hits, count", [(0, 10), (7, 10), (10, 10), (410, 500)])
def test_wilson_interval_is_scipys(hits, count):
    expected = scipy.stats.binomtest(hits, count).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(hits, count), (expected.low, expected.high), atol=1e-6)


def test_confusion_matrix():
    matrix = confusion_matrix([0, 0, 3], [0, 1, 3], classes=4)
    assert matrix.sum() == 3 and matrix[0, 0] == matrix[0, 1] == matrix[3, 3] == 1


def test_calibration():
    """80 clips at confidence 0.8, 64 of them right: calibrated. 20 at 1.0, half of them right: off by 0.5."""
    probabilities = np.concatenate([np.tile([0.8, 0.2], (80, 1)), np.tile([1.0, 0.0], (20, 1))])
    labels = np.concatenate([np.repeat([0, 1], [64, 16]), np.repeat([0, 1], [10, 10])])
    error, rows = calibration(probabilities, labels)
    assert error == pytest.approx(0.2 * 0.5)
    np.testing.assert_allclose(rows, [(80, 0.8, 0.8), (20, 1.0, 0.5)])


def test_frechet_distance_of_normal_distributions():
    """By the formula with SciPy's matrix square root; and 0 of a set from itself, the squared shift of a shifted one."""
    one, other = RANDOM.normal(size=(200, 6)), RANDOM.normal(size=(300, 6)) @ RANDOM.normal(size=(6, 6))
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, one + 2) == pytest.approx(6 * 4)
    assert frechet_distance(one[:3], other[:3]) >= 0  # fewer clips than features


def test_inception_score_between_its_limits():
    sure = np.tile(np.eye(10), (10, 1))
    assert inception_score(sure, splits=1)[0] == pytest.approx(10) and inception_score(np.full((100, 10), 0.1), splits=2) == pytest.approx(
        (1, 0)
    )


def test_roc():
    positive, negative = RANDOM.normal(1, 1, 200), RANDOM.normal(0, 1, 300)
    area = area_under_roc(positive, negative)
    assert area == pytest.approx(scipy.stats.mannwhitneyu(positive, negative).statistic / (200 * 300))
    false, true, thresholds = roc(positive, negative)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert scipy.integrate.trapezoid(true, false) == pytest.approx(area, abs=1e-3)
    place = np.searchsorted(-thresholds, -0.5)
    assert true[place - 1] == pytest.approx(np.mean(positive >= thresholds[place - 1]))
    assert area_under_roc([1, 1], [1, 1]) == 0.5 and area_under_roc([2, 3], [0, 1]) == 1
