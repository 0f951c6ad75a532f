import numpy as np
import pytest
import soundfile

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.folders import Clip, find_clips
from tf_wavegan_inv.audio.inspect import inspect_clip, inspect_clips
from tf_wavegan_inv.config import AudioConfig


def tone(samples=8000):
    return 0.3 * np.sin(np.arange(samples) / 7)


def clip_of(path):
    return Clip(path, path.name)


def damaged(path, kind):
    """Write one bad file of each kind."""
    if kind == "missing":
        return
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is no audio")
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), 16000)
    elif kind == "silent":
        soundfile.write(path, np.zeros(8000), 16000)
    elif kind == "nan":
        soundfile.write(path, np.where(np.arange(8000) == 5, np.nan, tone()), 16000, subtype="FLOAT")
    elif kind == "cut short":
        soundfile.write(path, tone(), 16000)
        path.write_bytes(path.read_bytes()[:6000])
    elif kind == "folder":
        path.mkdir()
    elif kind == "rate":
        soundfile.write(path, tone(), 100)


@pytest.mark.parametrize(
    "kind, message",
    [
        ("missing", "no such file"),
        ("folder", "a folder, not a file"),
        ("empty", "empty .0 bytes"),
        ("text", "not readable as audio"),
        ("no samples", "holds no samples"),
        ("silent", "silent .peak 0"),
        ("nan", "1 of 8000 samples are NaN"),
        ("cut short", "cut short, its header tells of 16000 bytes"),
        ("rate", "rate of 100 Hz"),
    ],
)
def test_bad_files_are_told_apart(tmp_path, kind, message):
    path = tmp_path / "a.wav"
    damaged(path, kind)
    with pytest.raises(UserError, match=f"a.wav: .*{message}"):
        inspect_clip(clip_of(path))


def test_a_truncated_flac_is_damaged(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 40000), 16000)
    path.write_bytes(path.read_bytes()[:30000])
    with pytest.raises(UserError, match=r"a\.flac: (cut short|not readable)"):
        inspect_clip(clip_of(path))


def test_channels_that_cancel_out_are_silent(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), -tone()], axis=1), 16000)
    with pytest.raises(UserError, match="silent"):
        inspect_clip(clip_of(tmp_path / "a.wav"))


def chunk(name, content):
    return name + len(content).to_bytes(4, "little") + content


@pytest.mark.parametrize("kind", ["odd chunk before", "odd chunk after", "streamed", "big-endian"])
def test_unusual_wavs_are_read_whole(tmp_path, kind):
    path = tmp_path / "a.wav"
    samples = np.rint(10000 * tone()).astype("<i2")
    header = chunk(b"fmt ", bytes.fromhex("01000100803e0000007d000002001000"))
    data, odd = chunk(b"data", samples.tobytes()), chunk(b"id3 ", b"1234567") + b"\0"
    parts = {
        "odd chunk before": header + odd + data,
        "odd chunk after": header + data + odd,
        "streamed": header + b"data" + b"\xff" * 4 + samples.tobytes(),
    }
    if kind == "big-endian":
        soundfile.write(path, samples, 16000, endian="BIG")
    else:
        path.write_bytes(b"RIFF" + (4 + len(parts[kind])).to_bytes(4, "little") + b"WAVE" + parts[kind])
    [audio] = conditioned([inspect_clip(clip_of(path))], AudioConfig(peak_normalise=False), 8000).as_numpy_iterator()
    np.testing.assert_allclose(audio[:, 0], samples / 32768, atol=1e-6)


def test_one_bad_file_does_not_stop_the_others(tmp_path):
    for i in range(20):
        soundfile.write(tmp_path / f"{i:02}.wav", tone(), 16000)
    damaged(tmp_path / "07.wav", "cut short")
    seen = []
    good, bad = inspect_clips(find_clips(tmp_path), lambda done, total: seen.append((done, total)))
    assert len(good) == 19 and [s.clip.name for s in bad] == ["07.wav"] and seen[-1] == (20, 20)
    assert [g.clip.name for g in good] == [f"{i:02}.wav" for i in range(20) if i != 7]


def test_of_an_hour_only_the_start_is_read(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.tile(tone(16000), 3600), 16000)
    recording = inspect_clip(clip_of(tmp_path / "long.wav"))
    assert recording.decoder == "soundfile" and recording.seconds == 3600
