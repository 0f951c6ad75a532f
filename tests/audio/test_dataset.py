import itertools

import numpy as np
import pytest
import soundfile

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.dataset import load_arrays, training_batches, validation_batches
from tf_wavegan_inv.audio.folders import Clip
from tf_wavegan_inv.audio.inspect import inspect_clip
from tf_wavegan_inv.config import AudioConfig


def batches(clips, count, **kwargs):
    return [[np.asarray(t) for t in batch] for batch in itertools.islice(training_batches(clips, **kwargs), count)]


def test_a_batch_depends_on_seed_and_step_alone(real_clips):
    whole = batches(real_clips, 6, batch_size=16, seed=3)
    later = batches(real_clips, 2, batch_size=16, seed=3, start_step=4)
    for a, b in zip(whole[4:], later, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    other = batches(real_clips, 1, batch_size=16, seed=4)
    assert not np.array_equal(other[0][0], whole[0][0])


def test_an_epoch_visits_each_clip_once(real_clips):
    count = len(real_clips)
    seen = np.concatenate([b[0] for b in batches(real_clips, 2 * count // 8, batch_size=8, seed=0)])
    fingerprints = [x.tobytes() for x in seen]
    first, second = fingerprints[:count], fingerprints[count:]
    assert len(set(first)) == len(set(second)) == count and first != second


def test_labels_stay_with_their_clips(real_clips):
    label_of = {x.tobytes(): label for x, label in zip(real_clips.float_audio(), real_clips.labels, strict=True)}
    audio, labels, _ = batches(real_clips, 1, batch_size=32, seed=0)[0]
    assert [label_of[x.tobytes()] for x in audio] == labels.tolist()


def test_balanced_batches_draw_every_label_equally_often(real_clips):
    labels = real_clips.labels
    kept = (labels != 3) | (np.arange(len(labels)) == np.flatnonzero(labels == 3)[0])  # one clip of digit three is left
    uneven = real_clips.take(list(np.flatnonzero(kept)))
    drawn = batches(uneven, 12, batch_size=20, seed=1, balanced=True)
    for _, labels, _ in drawn:
        assert np.bincount(labels, minlength=10).tolist() == [2] * 10
    fingerprints = [x.tobytes() for audio, labels, _ in drawn for x in audio[labels == 0]]
    count = int((uneven.labels == 0).sum())
    assert len(set(fingerprints[:count])) == min(count, len(fingerprints))
    later = batches(uneven, 1, batch_size=20, seed=1, start_step=11, balanced=True)
    np.testing.assert_array_equal(later[0][0], drawn[11][0])


@pytest.mark.parametrize("batch_size", [7, 64])
def test_validation_counts_every_clip_once_in_order_in_whole_batches(real_clips, batch_size):
    extra = np.arange(len(real_clips))
    parts = list(validation_batches(real_clips, batch_size, extra).as_numpy_iterator())
    assert {len(column) for part in parts for column in part} == {batch_size}
    audio, labels, numbers, weights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    counted = weights == 1
    np.testing.assert_array_equal(labels[counted], real_clips.labels)
    np.testing.assert_array_equal(audio[counted], real_clips.float_audio())
    np.testing.assert_array_equal(numbers[counted], extra)
    assert not weights[~counted].any()


def write(path, audio):
    soundfile.write(path, audio, 16000, subtype="FLOAT")
    return inspect_clip(Clip(path, path.name))


def test_a_recipes_gain_is_not_clipped(tmp_path):
    recording = write(tmp_path / "a.wav", 0.9 * np.sin(np.arange(16384) / 9))
    clips = load_arrays([recording], AudioConfig(peak_normalise=False, gain=1.414), 16384)
    assert clips.float_audio().max() == pytest.approx(0.9 * 1.414, rel=1e-3)
    assert batches(clips, 1, batch_size=2, seed=0)[0][0].max() == pytest.approx(0.9 * 1.414, rel=1e-3)


def test_what_is_silent_where_it_is_used_is_left_out(tmp_path, caplog):
    tone = np.sin(np.arange(16384) / 9)
    recordings = [write(tmp_path / "late.wav", np.concatenate([0 * tone, tone])), write(tmp_path / "good.wav", tone)]
    clips = load_arrays(recordings, AudioConfig(), 16384)
    assert [r.clip.name for r in clips.recordings] == ["good.wav"] and "late.wav: silent in its first 16384 samples" in caplog.text
    with pytest.raises(UserError, match="None of the 1 clips of the split .* can be used: all are silent in their first 16384"):
        load_arrays(recordings[:1], AudioConfig(), 16384)
