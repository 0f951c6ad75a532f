"""The space of z, uniform in one range."""

import numpy as np
import pytest

from tf_wavegan_inv import UserError
from tf_wavegan_inv.latent import LatentSpace


def test_samples_lie_in_the_cube_whatever_the_range():
    z = LatentSpace(4, -3.0, 1.0).sample(1000, np.random.default_rng(0))
    assert z.shape == (1000, 4) and z.dtype == np.float32 and -1 <= z.min() < -0.9 and 0.9 < z.max() <= 1


def test_its_own_range_is_reached():
    z = np.array([[-1.0, 0.0, 1.0]], np.float32)
    np.testing.assert_allclose(LatentSpace(3, -3.0, 1.0).to_own(z), [[-3, -1, 1]])
    assert LatentSpace(3).to_own(z) is z


def test_only_chosen_entries_are_redrawn():
    space, z = LatentSpace(4), np.array([0.5, 1.5, -0.2, -2.0])
    chosen = space.outside(z)
    assert chosen.tolist() == [False, True, False, True]
    redrawn = space.redraw(z, chosen, np.random.default_rng(0))
    assert (redrawn[[0, 2]] == z[[0, 2]]).all() and np.abs(redrawn).max() <= 1


@pytest.mark.parametrize("low, high", [(1.0, -1.0), (0.0, float("inf"))])
def test_bad_ranges_are_refused(low, high):
    with pytest.raises(UserError, match="latent_range must be two finite numbers"):
        LatentSpace(3, low, high)
