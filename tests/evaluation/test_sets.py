"""Sets of clips to evaluate."""

import collections

import numpy as np

from tf_wavegan_inv.audio.folders import Clip, unique_names
from tf_wavegan_inv.evaluation.sets import spread, synthesised
from tf_wavegan_inv.inversion.starts import random_starts
from tf_wavegan_inv.latent import LatentSpace


def test_spread_takes_digits_in_turn_and_no_clip_twice():
    labels = np.array([0] * 20 + [1] * 5 + [2] * 2)
    chosen = spread(labels, 9)
    assert len(set(chosen)) == 9 and chosen == spread(labels, 9) != spread(labels, 9, seed=1)
    assert collections.Counter(labels[chosen].tolist()) == {0: 4, 1: 3, 2: 2}
    assert spread(labels, 100) == list(range(27))


def test_names_are_unique_whatever_the_folders(tmp_path):
    names = ["a/x.wav", "b/x.wav", "y.wav", "a/x.wav", "a_x.wav-1"]
    found = unique_names([Clip(tmp_path / str(i) / name, name) for i, name in enumerate(names)])
    assert len(set(found)) == len(names) and found[2] == "y"


def test_a_synthesised_clip_does_not_depend_on_how_many_there_are(generator):
    few, many = synthesised(generator, 2, seed=3), synthesised(generator, 5, seed=3)
    np.testing.assert_array_equal(few.z, many.z[:2])
    np.testing.assert_allclose(many.batch(1, 3), generator(many.z[1:3]), atol=1e-6)
    for i in range(5):  # or gradient would be given the answer
        assert np.abs(many.z[i] - random_starts(3, i, count=1, latent=LatentSpace(100))[0]).max() > 0.5
    assert few.identity(0, 2) == many.identity(0, 2) != many.identity(1, 3)
