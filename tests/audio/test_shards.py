"""Shards: what training reads from them is what it reads from the files."""

import csv
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests.conftest import CLIPS
from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio import dataset, shards
from tf_wavegan_inv.audio.dataset import training_batches
from tf_wavegan_inv.audio.examples import from_example
from tf_wavegan_inv.audio.folders import find_clips
from tf_wavegan_inv.audio.load import read_corpus
from tf_wavegan_inv.config import AudioConfig

SIZE = 4  # clips a shard


@pytest.fixture
def data(tmp_path):
    """Some real clips, one of another rate in stereo, and one that cannot be used."""
    folder = tmp_path / "data"
    for split, count in (("train", 9), ("valid", 3)):
        (folder / split).mkdir(parents=True)
        for path in sorted(CLIPS.glob(f"{split}/*.flac"))[:count]:
            shutil.copy(path, folder / split)
    audio, _ = soundfile.read(path)
    soundfile.write(folder / "train" / "Two_stereo_0.wav", 0.3 * np.stack([audio, audio[::-1]], axis=1), 22050)
    (folder / "train" / "One_bad_0.wav").write_text("no audio")
    return folder


def write(data, out, **options):
    return shards.write_shards(find_clips(data), out, shard_clips=SIZE, **options)


def test_training_reads_the_same_from_shards_as_from_files(data, tmp_path):
    index = write(data, tmp_path / "shards")
    assert index["clips"] == {"train": 10, "valid": 3, "test": 0} and index["skipped"] == 1 and len(index["shards"]) == 4
    files, sharded = read_corpus([data]), read_corpus([tmp_path / "shards"])
    for config in (AudioConfig(), AudioConfig(peak_normalise=False), AudioConfig(8000)):
        for split in ("train", "valid"):
            a, b = (corpus.arrays(split, config, 8000, 1) for corpus in (files, sharded))
            np.testing.assert_array_equal(a.labels, b.labels)
            assert [r.clip for r in a.recordings] == [r.clip for r in b.recordings]
            another_rate = np.array([r.clip.path.suffix == ".wav" for r in a.recordings])  # its peak is taken before, or after resampling
            for some, tolerance in ((~another_rate, 1e-3), (another_rate, 2e-2)):
                np.testing.assert_allclose(a.float_audio()[some], b.float_audio()[some], atol=tolerance)
    reasons = list(csv.DictReader((tmp_path / "shards" / "skipped.csv").open()))
    assert len(reasons) == 1 and reasons[0]["file"] == "train/One_bad_0.wav" and "not readable" in reasons[0]["reason"]


def test_shards_are_tfrecords_of_examples(data, tmp_path):
    write(data, tmp_path / "shards")
    paths = sorted(map(str, (tmp_path / "shards").glob("train-*.tfrecord")))
    records = [from_example(r.numpy()) for r in tf.data.TFRecordDataset(paths)]
    assert len(records) == 10 and all(rate == 16000 for _, _, rate in records)
    clips = {r.clip.name: r for r in read_corpus([data]).recordings["train"]}
    name, audio, _ = records[0]
    np.testing.assert_allclose(audio, soundfile.read(clips[name].clip.path, always_2d=True)[0], atol=1e-4)


def test_goes_on_where_it_was_stopped_and_does_again_what_was_changed(data, tmp_path, monkeypatch):
    out, inspected, inspect = tmp_path / "shards", [], shards.inspect_clips
    monkeypatch.setattr(shards, "inspect_clips", lambda clips: inspected.append(len(clips)) or inspect(clips))
    first = write(data, out)
    (out / shards.INDEX).unlink()
    (out / "train-00001-of-00003.json").unlink()  # as if stopped between a shard and its index
    path = out / "train-00002-of-00003.tfrecord"
    path.write_bytes(path.read_bytes()[:100])
    inspected.clear()
    assert write(data, out) == first and inspected == [4, 3]
    whole = path.read_bytes()
    path.write_bytes(whole[:-50] + bytes([whole[-50] ^ 1]) + whole[-49:])
    with pytest.raises(UserError, match="1 are not as they were written, train-00002-of-00003.tfrecord is one.*prepare again"):
        read_corpus([out])
    assert write(data, out) == first  # which mends it
    path.unlink()
    with pytest.raises(UserError, match="not complete .*train-00002-of-00003.tfrecord is missing.*prepare again"):
        read_corpus([out])
    (out / shards.INDEX).unlink()
    with pytest.raises(UserError, match="not complete .*shards.json is missing.*prepare again"):
        read_corpus([out])
    for name in ("mine.tfrecord", "z-00000-of-00001.tfrecord", "run-1-of-8.json"):
        (out / name).write_text("not of the shards")
    write(data, out)
    assert {"mine.tfrecord", "z-00000-of-00001.tfrecord", "run-1-of-8.json"} < {p.name for p in out.iterdir()}
    with pytest.raises(UserError, match="between 1000 and"):
        write(data, out, rate=1)
    assert read_corpus([out])
    for name in ("mine.tfrecord", "z-00000-of-00001.tfrecord"):
        (out / name).unlink()
    shutil.copy(next(CLIPS.glob("test/*.flac")), data / "valid" / "Zero_new_0.flac")
    inspected.clear()
    assert write(data, out)["clips"]["valid"] == 4 and inspected == [4]
    (data / "valid" / "Zero_new_0.flac").unlink()
    for name in list((data / "train").iterdir())[:6]:
        name.unlink()
    write(data, out)
    assert {p.stem for p in out.glob("*.tfrecord")} == set(json.loads((out / shards.INDEX).read_text())["shards"])


@pytest.mark.parametrize("gain", [2e-4, 5e-3, 3.0])
def test_soft_and_loud_recordings_lose_nothing(data, tmp_path, gain):
    """Of files that hold floats: those in shards are 16-bit integers on a scale of their own."""
    (data / "train" / "Two_stereo_0.wav").unlink()  # of another rate: its peak is taken before, or after resampling
    for path in sorted(data.rglob("*.flac")):
        audio, rate = soundfile.read(path)
        soundfile.write(path.with_suffix(".wav"), gain * audio / np.abs(audio).max(), rate, subtype="FLOAT")
        path.unlink()
    write(data, tmp_path / "shards")
    found, expected = (read_corpus([f]).arrays("train", AudioConfig(), 16384, 1).float_audio() for f in (tmp_path / "shards", data))
    assert np.mean((found - expected) ** 2) < 1e-7 * np.mean(expected**2)


def test_a_folder_of_audio_may_hold_another_index(data):
    (data / "index.json").write_text("{}")
    assert len(read_corpus([data]).recordings["train"]) == 10


def test_a_disk_without_room_for_much_audio_is_said(real_clips, data, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dataset, "IN_MEMORY", 1000)
    monkeypatch.setattr(dataset.os, "posix_fallocate", full)
    with pytest.raises(UserError, match="No space left on device.: set TMPDIR"):
        read_corpus([data]).arrays("train", AudioConfig(), 16384, 1)


def test_much_audio_stays_on_disk(real_clips, data, tmp_path, monkeypatch):
    write(data, tmp_path / "shards")
    monkeypatch.setattr(dataset, "IN_MEMORY", 1000)
    on_disk = read_corpus([tmp_path / "shards"]).arrays("train", AudioConfig(), 16384, 1)
    monkeypatch.undo()
    in_memory = read_corpus([tmp_path / "shards"]).arrays("train", AudioConfig(), 16384, 1)
    assert isinstance(on_disk.audio, np.memmap) and not isinstance(in_memory.audio, np.memmap)
    for a, b in zip(training_batches(on_disk, 4, seed=0).take(3), training_batches(in_memory, 4, seed=0).take(3), strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_the_command(cli, data, tmp_path):
    done = cli("prepare", data, "--out", "shards", "--shard-clips", SIZE)
    assert done.returncode == 0, done.stderr
    assert "10 train, 3 valid, 0 test; 1 skipped" in done.stdout and pathlib.Path(tmp_path / "shards" / "shards.json").exists()


def test_names_of_files_may_be_no_utf8(data, tmp_path):
    """What cannot be read is reported under its name; what can be is taken."""
    (data / "train" / os.fsdecode(b"One_b\xff_1.wav")).write_text("no audio")
    index = write(data, tmp_path / "shards")
    assert index["skipped"] == 2 and index["clips"]["train"] == 10
    assert b"One_b\xff_1.wav" in (tmp_path / "shards" / "skipped.csv").read_bytes()
