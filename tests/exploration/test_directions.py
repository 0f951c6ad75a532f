"""Arithmetic with latents whose answers are known."""

import numpy as np
import pytest

from tf_wavegan_inv.exploration.directions import class_directions, class_means, interpolate, nearest, principal_directions, walk
from tf_wavegan_inv.exploration.explore import explore, retrieval, sentences
from tf_wavegan_inv.exploration.latents import Latents

RANDOM = np.random.default_rng(0)


def test_interpolation_has_both_ends_and_the_middle():
    path = interpolate(np.array([0.0, 1]), np.array([1.0, -1]), 5)
    np.testing.assert_allclose(path[[0, 2, 4]], [[0, 1], [0.5, 0], [1, -1]])


def test_class_means_and_directions():
    z, labels = np.array([[0.0, 0], [2, 0], [0, 4], [0, 6]]), [3, 3, 5, 5]
    means, directions = class_means(z, labels), class_directions(z, labels)
    np.testing.assert_allclose([means[3], means[5]], [[1, 0], [0, 5]])
    np.testing.assert_allclose(directions[5], [-1, 5])


def test_principal_directions_are_those_of_the_covariance():
    z = RANDOM.normal(size=(500, 4)) * [5, 2, 1, 0.5]
    directions, shares = principal_directions(z, 3)
    values, vectors = np.linalg.eigh(np.cov(z, rowvar=False))
    for direction, value, vector in zip(directions, values[::-1], vectors.T[::-1], strict=False):
        np.testing.assert_allclose(np.abs(direction), np.sqrt(value) * np.abs(vector), atol=1e-4)
    np.testing.assert_allclose(shares, values[::-1][:3] / values.sum())
    assert len(principal_directions(z[:3], 10)[0]) == 2  # three points span a plane
    np.testing.assert_allclose(
        walk(z[0], directions[0], reach=2, steps=3), [z[0] - 2 * directions[0], z[0], z[0] + 2 * directions[0]], atol=1e-5
    )


def test_nearest_are_the_nearest():
    z = RANDOM.normal(size=(30, 5))
    indices, distances = nearest(z, 3)
    for i in range(30):
        far = np.linalg.norm(z - z[i], axis=1)
        expected = np.argsort(far)[1:4]
        np.testing.assert_array_equal(indices[i], expected)
        np.testing.assert_allclose(distances[i], far[expected], atol=1e-9)
    assert nearest(z[:3], 10)[0].shape == (3, 2)


def test_retrieval_of_classes_that_lie_apart():
    labels = np.repeat([1, 2], 10)
    z = RANDOM.normal(size=(20, 3)) + 20 * labels[:, None]
    found = retrieval(Latents([str(i) for i in range(20)], z, labels, [""] * 20), nearest(z, 1))
    assert found == {"label": {"nearest": 1, "chance": pytest.approx(9 / 19), "n": 20}}
    assert "100.0 % of 20 clips, a random clip for 47.4 %" in sentences(found)[0]


def test_without_labels_there_are_still_walks_and_neighbours():
    z = RANDOM.normal(size=(5, 3)).astype(np.float32)
    latents = Latents(list("abcde"), z, np.full(5, -1), [""] * 5)
    rows = explore(latents, [(0, 4)], nearest(z, 9), steps=3, components=9)
    assert {row.group for row in rows} == {"interpolation", "principal_directions", "neighbours"} and retrieval(
        latents, nearest(z, 1)
    ) == {}
    assert all(len(row.captions) == len(row.z) for row in rows) and retrieval(latents, nearest(z, 1)) == {}
