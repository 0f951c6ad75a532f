import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests.conftest import thinned
from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.folders import Clip
from tf_wavegan_inv.audio.inspect import Recording
from tf_wavegan_inv.audio.slices import SliceConfig, Slices, load_slices, slice_batches, slice_starts, slices_of
from tf_wavegan_inv.config import AudioConfig

pytestmark = pytest.mark.smoke

OFFICIAL = {
    "first_pad": (SliceConfig(), True, 1),
    "nopad_o0": (SliceConfig(first=False, pad_end=False), True, 1),
    "pad_o50": (SliceConfig(first=False, overlap=0.5), True, 1),
    "first_pad_stereo": (SliceConfig(), True, 2),
    "first_pad_nonorm": (SliceConfig(), False, 1),
}


@pytest.fixture
def recordings(golden):
    """The official loader's recordings; one of them is silent, which is why they do not go through `inspect_clip`."""

    def recording(path):
        info = soundfile.info(path)
        return Recording(Clip(path, path.name), "soundfile", info.samplerate, info.duration, info.channels)

    return [recording(path) for path in sorted(golden("loader/wav").iterdir())]


@pytest.mark.parametrize("name", OFFICIAL)
def test_equals_the_official_loader(golden, recordings, name):
    config, normalise, channels = OFFICIAL[name]
    clips = conditioned(recordings, AudioConfig(peak_normalise=normalise), None, channels).as_numpy_iterator()
    ours = np.concatenate([slices_of(clip, 16384, config) for clip in clips])
    np.testing.assert_array_equal(thinned(ours), np.load(golden("loader") / "golden.npz")[name])


def test_batches_hold_every_slice_once_a_pass(golden, recordings):
    slices = load_slices(recordings, AudioConfig(), slice_config=SliceConfig(), length=16384, channels=1)
    batches = np.concatenate([slice_batches(slices, 3, 0, tf.constant(step, tf.int64)) for step in range(2)])
    expected = np.load(golden("loader") / "golden.npz")["first_pad"]
    order = [int(np.abs(expected - clip).mean(axis=(1, 2)).argmin()) for clip in thinned(batches)]
    assert sorted(order) == list(range(6))
    np.testing.assert_allclose(thinned(batches), expected[order], atol=2e-5)


@pytest.mark.parametrize("keep_whole", [True, False])
def test_later_starts_stay_in_their_recording(keep_whole):
    audio = np.arange(1, 31, dtype=np.int16)[:, None]  # a recording of 20 samples, then one of 10
    slices = Slices(audio, np.array([0, 8, 20]), np.array([20, 20, 30]), 8, 8, keep_whole)
    drawn = tf.function(lambda step: slice_batches(slices, 6, 0, step))  # as in training, where TensorFlow converts no types
    batch = np.rint(np.concatenate([drawn(tf.constant(s, tf.int64)) for s in range(20)])[..., 0] * 32767)
    for clip in batch:
        heard = clip[clip > 0]
        assert (np.diff(heard) == 1).all() and not (heard.min(initial=99) <= 20 < heard.max(initial=0))
        assert len(heard) == 8 or (not keep_whole and len(heard))
    assert len({clip[0] for clip in batch}) > 8


def test_slices_with_labels_are_drawn_equally_often_by_label():
    audio, starts = np.repeat(np.arange(9, dtype=np.int16), 4)[:, None], 4 * np.arange(9)
    slices = Slices(audio, starts, starts + 4, 4, 0, False, labels=np.array([0] * 7 + [1] * 2))
    drawn = np.concatenate([np.asarray(slice_batches(slices, 4, 0, tf.constant(step, tf.int64))) for step in range(7)])
    clips = np.rint(drawn[:, 0, 0] * 32767).astype(int)
    assert (clips >= 7).sum() == 14 and sorted(clips[clips < 7]) == sorted([*range(7)] * 2)


def test_no_slice_at_all(recordings):
    with pytest.raises(UserError, match="as long as a slice of 65536 samples"):
        load_slices(recordings, AudioConfig(), slice_config=SliceConfig(first=False, pad_end=False), length=65536, channels=1)
    with pytest.raises(UserError, match=r"overlap.*1\.0"):
        SliceConfig(overlap=1.0)


def test_number_of_slices():
    assert len(slice_starts(16385, 16384, SliceConfig(first=False))) == 2
    assert len(slice_starts(16383, 16384, SliceConfig(first=False, pad_end=False))) == 0
