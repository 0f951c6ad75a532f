import importlib.util
import logging
import sys
import warnings

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tf_wavegan_inv.audio import decode
from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.folders import Clip
from tf_wavegan_inv.audio.inspect import inspect_clip
from tf_wavegan_inv.config import AudioConfig

pytestmark = pytest.mark.smoke

FORMATS = [
    ("wav", "PCM_U8"),
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "PCM_32"),
    ("wav", "FLOAT"),
    ("wav", "DOUBLE"),
    ("wav", "ALAW"),
    ("flac", "PCM_S8"),
    ("flac", "PCM_16"),
    ("flac", "PCM_24"),
    ("ogg", "VORBIS"),
    ("ogg", "OPUS"),
    ("mp3", "MPEG_LAYER_III"),
    ("aiff", "PCM_16"),
]


def record(path, subtype, channels=2, rate=16000, seconds=0.5):
    time = np.arange(int(rate * seconds)) / rate
    audio = np.stack([0.4 * np.sin(2 * np.pi * f * time) for f in (220, 510, 930)[:channels]], axis=1)
    soundfile.write(path, audio, rate, subtype=subtype)
    return path


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def decoded(path):
    recording = inspect_clip(Clip(path, path.name))
    return decode.decode(tf.constant(str(path)), tf.constant(decode.decoder_index(recording.decoder))).numpy()


@pytest.mark.parametrize("extension, subtype", FORMATS)
def test_every_format_decodes_as_soundfile_does(tmp_path, extension, subtype):
    path = record(tmp_path / f"a.{extension}", subtype)
    expected = read(path)
    np.testing.assert_allclose(decoded(path), expected, atol=5e-6 if extension in ("mp3", "ogg") else 1e-7)


@pytest.fixture
def without_tensorflow_io(monkeypatch):
    monkeypatch.setattr(decode, "tensorflow_io", lambda: None)


@pytest.mark.parametrize("extension, subtype", FORMATS[:5] + FORMATS[8:10])
def test_without_tensorflow_io_soundfile_gives_the_same(tmp_path, without_tensorflow_io, extension, subtype):
    path = record(tmp_path / f"a.{extension}", subtype)
    assert inspect_clip(Clip(path, "a")).decoder == decode.SOUNDFILE
    np.testing.assert_array_equal(decoded(path), read(path))


class Failing:
    """A tensorflow_io whose native libraries do not load: it warns at import, and raises when it is used."""

    @property
    def audio(self):
        warnings.warn("unable to load libtensorflow_io_plugins.so", stacklevel=2)
        raise NotImplementedError("unable to open file: libtensorflow_io.so")


@pytest.mark.parametrize(
    "module, why", [(Failing(), f"does not load with TensorFlow {tf.__version__}"), (None, "is not installed")], ids=["fails", "absent"]
)
def test_says_once_that_tensorflow_io_is_unusable(monkeypatch, caplog, recwarn, module, why):
    monkeypatch.setitem(sys.modules, "tensorflow_io", module)
    decode.tensorflow_io.cache_clear()
    try:
        with caplog.at_level(logging.INFO):
            assert decode.tensorflow_io() is None
            decode.tensorflow_io()
    finally:
        decode.tensorflow_io.cache_clear()
    assert [(r.levelname, r.message) for r in caplog.records] == [("INFO", f"tensorflow-io {why}: audio is decoded by soundfile.")]
    assert not recwarn.list


def test_tensorflow_io_is_used_where_it_loads():
    loads = importlib.util.find_spec("tensorflow_io") and tf.__version__.startswith("2.17.")
    assert (decode.tensorflow_io() is not None) == bool(loads)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_any_rate_and_channels_become_16_khz_mono(tmp_path, rate, channels):
    path = record(tmp_path / "a.wav", "PCM_16", channels, rate)
    recording = inspect_clip(Clip(path, "a.wav"))
    [audio] = conditioned([recording], AudioConfig(peak_normalise=False), 16384).as_numpy_iterator()
    time = np.arange(8000) / 16000
    expected = np.mean([0.4 * np.sin(2 * np.pi * f * time) for f in (220, 510, 930)[:channels]], axis=0)
    np.testing.assert_allclose(audio[100:7900, 0], expected[100:7900], atol=2e-3)
    assert audio.shape == (16384, 1) and not audio[8100:].any()
