import collections
import pathlib

import pytest

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.folders import Clip, find_clips, speech_commands_split, unique_names
from tf_wavegan_inv.audio.labels import label_and_speaker


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "name, label, speaker",
    [
        ("train/Zero_1b4c9b89_3.wav", 0, "1b4c9b89"),
        ("Nine_george_12.flac", 9, "george"),
        ("7_jackson_32.wav", 7, "jackson"),
        ("0_01_5.wav", 0, "01"),
        ("eight/bfd26d6b_nohash_4.wav", 8, "bfd26d6b"),
        ("four/a recording.wav", 4, ""),
        ("piano.wav", -1, ""),
        ("3.wav", -1, ""),
        ("7/track.wav", -1, ""),
        ("2_piano_C4.wav", -1, ""),
    ],
)
def test_label_and_speaker(name, label, speaker):
    assert label_and_speaker(pathlib.Path("root") / name) == (label, speaker)


def test_sc09(tmp_path):
    make(tmp_path, "train/Zero_a_0.wav", "train/One_b_0.wav", "valid/Two_c_0.wav", "test/Three_d_0.wav")
    assert [(c.name, c.split, c.label) for c in find_clips(tmp_path)] == [
        ("test/Three_d_0.wav", "test", 3),
        ("train/One_b_0.wav", "train", 1),
        ("train/Zero_a_0.wav", "train", 0),
        ("valid/Two_c_0.wav", "valid", 2),
    ]


def test_speech_commands_lists(tmp_path):
    make(tmp_path, "zero/a_nohash_0.wav", "one/b_nohash_0.wav", "two/c_nohash_1.wav", "yes/d_nohash_0.wav", "_background_noise_/hum.wav")
    (tmp_path / "validation_list.txt").write_text("one/b_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("two/c_nohash_1.wav\n")
    assert {c.name: c.split for c in find_clips(tmp_path)} == {
        "zero/a_nohash_0.wav": "train",
        "one/b_nohash_0.wav": "valid",
        "two/c_nohash_1.wav": "test",
    }


def test_speech_commands_hash():
    # Speakers of the official partitions.
    assert speech_commands_split("6a27a9bf_nohash_0.wav") == speech_commands_split("6a27a9bf_nohash_17.wav") == "valid"
    assert speech_commands_split("0c40e715_nohash_0.wav") == "test"
    assert speech_commands_split("2f813234_nohash_0.wav") == "train"
    assert collections.Counter(speech_commands_split(f"{i:08x}_nohash_0.wav") for i in range(5000))["train"] == pytest.approx(4000, abs=120)


def test_speech_commands_hash_is_used(tmp_path):
    make(tmp_path, "zero/6a27a9bf_nohash_0.wav")
    assert find_clips(tmp_path)[0].split == "valid"


def test_any_folder_splits_by_speaker(tmp_path):
    make(tmp_path, *[f"deep/{d}_{s}_{n}.wav" for d in range(10) for s in "abcdefghij" for n in range(2)])
    clips = find_clips(tmp_path)
    speakers = {split: {c.speaker for c in clips if c.split == split} for split in ("train", "valid", "test")}
    assert {split: len(s) for split, s in speakers.items()} == {"train": 8, "valid": 1, "test": 1}
    assert len(set.union(*speakers.values())) == 10


def test_a_speaker_of_two_folders_is_in_one_split(tmp_path):
    for folder, speakers in (("a", "abcdefghijklmno"), ("b", "hijklmnopqrstuv")):
        (tmp_path / folder).mkdir()
        make(tmp_path / folder, *[f"{d}_{s}_0.wav" for d in range(3) for s in speakers])
    clips = find_clips(tmp_path / "a", tmp_path / "b")
    assert [c.path.parent.name for c in clips] == ["a"] * 45 + ["b"] * 45
    splits = collections.defaultdict(set)
    for clip in clips:
        splits[clip.speaker].add(clip.split)
    assert len(splits) == 22 and all(len(s) == 1 for s in splits.values())
    assert {split for s in splits.values() for split in s} == {"train", "valid", "test"}


def test_any_folder_of_any_sounds(tmp_path):
    clips = find_clips(make(tmp_path, *[f"{i}a.ogg" for i in range(30)]))
    assert collections.Counter(c.split for c in clips) == {"train": 24, "valid": 3, "test": 3}
    assert {c.label for c in clips} == {-1}


def test_no_folder_and_no_audio(tmp_path):
    with pytest.raises(UserError, match="No folder of audio at .*nowhere"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(UserError, match="No audio in"):
        find_clips(make(tmp_path, "notes.txt", ".hidden.wav"))


def test_the_bundled_splits_share_no_speaker():
    from tf_wavegan_inv import defaults

    clips = find_clips(defaults.DATA)
    by_speaker = collections.defaultdict(set)
    for clip in clips:
        by_speaker[clip.speaker].add(clip.split)
    assert len(clips) == 210 and all(len(splits) == 1 for splits in by_speaker.values())


def test_unique_names():
    clips = [Clip(pathlib.Path(n), n) for n in ("zero/a_nohash_0.wav", "one/a_nohash_0.wav", "one/b_nohash_0.wav")]
    assert unique_names(clips) == ["zero_a_nohash_0.wav", "one_a_nohash_0.wav", "b_nohash_0"]
