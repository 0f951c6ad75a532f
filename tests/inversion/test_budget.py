"""Budgets of iterations and seconds."""

import types

import pytest

from tf_wavegan_inv.inversion import budget as module
from tf_wavegan_inv.inversion.budget import UNLIMITED, Budget


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand: list of one number."""
    now = [100.0]
    monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_shares_and_the_rest_are_of_what_is_left(clock):
    budget = Budget(200, seconds=10.0)
    half = budget.share(0.5)
    assert (half.iterations, half.seconds) == (200, 5.0) and not half.over
    clock[0] += 6
    assert half.over and half.left == 0 and not budget.over
    assert budget.rest() == Budget(200, seconds=4.0)
    assert budget.at_most(50) == Budget(50, seconds=4.0) and budget.at_most(500).iterations == 200
    clock[0] += 6
    assert budget.over and budget.rest().seconds == 0


def test_no_limit_stays_none(clock):
    clock[0] += 1e9
    assert not UNLIMITED.over and UNLIMITED.left is None
    assert UNLIMITED.share(0.5) == UNLIMITED.rest() == Budget()
    assert UNLIMITED.at_most(7) == Budget(7)
