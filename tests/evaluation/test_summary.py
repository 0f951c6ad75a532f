import collections

import numpy as np

from tf_wavegan_inv.evaluation.clips import spread
from tf_wavegan_inv.evaluation.summary import held_out, markdown


def test_spread_takes_digits_in_turn_and_no_clip_twice():
    labels = np.array([0] * 20 + [1] * 5 + [2] * 2)
    chosen = spread(labels, 9)
    assert len(set(chosen)) == 9 and chosen == spread(labels, 9) != spread(labels, 9, seed=1)
    assert collections.Counter(labels[chosen].tolist()) == {0: 4, 1: 3, 2: 2}
    assert spread(labels, 100) == list(range(27))


def test_held_out_keeps_labels_with_clips(real_clips):
    chosen = held_out(real_clips, 10)
    assert sorted(chosen.labels.tolist()) == list(range(10))
    assert [r.clip.label for r in chosen.recordings] == chosen.labels.tolist()


def test_table():
    table = markdown(
        {"real": {"class/accuracy": 0.9}, "hybrid": {"class/accuracy": 0.75, "waveform/relative_mse": 0.1234, "seconds": 2.0}}, 8
    )
    lines = table.splitlines()
    assert lines[0].startswith("| 8 held-out clips | digit accuracy |")
    assert lines[2] == "| real | 90.0 % | - | - | - | - |"
    assert lines[3] == "| hybrid | 75.0 % | 0.123 | - | - | 2 |"
    assert "flatters" in table
