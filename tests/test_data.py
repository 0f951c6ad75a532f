"""The scripts beside the bundled clips."""

import csv
import lzma
import os

import numpy as np
import soundfile

from tests.conftest import ROOT, run_command


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_clips_of_other_collections_go_where_their_speakers_belong(tmp_path):
    digits = ("fsdd/3_george_7.wav", "fsdd/0_theo_0.wav", "sc/nine/0c40e715_nohash_1.wav", "sc09/train/Two_abcd_0.flac")
    others = ("fsdd/README.md", "sc/cat/0c40e715_nohash_1.wav", "sc09/Marvin_abcd_0.flac")
    for name in digits + others:
        touch(tmp_path / name)
    command = [ROOT / "data" / "assemble_digits.py", tmp_path / "out", *(tmp_path / name for name in ("fsdd", "sc", "sc09"))]
    for _ in range(2):  # again does no harm
        done = run_command(*command)
        assert done.returncode == 0 and "test: 1 clips, train: 2 clips, valid: 1 clips" in done.stderr, done.stderr
    found = {str(p.relative_to(tmp_path / "out")): os.path.realpath(p) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert found == {
        "test/Three_george_7.wav": str(tmp_path / "fsdd/3_george_7.wav"),
        "train/Zero_theo_0.wav": str(tmp_path / "fsdd/0_theo_0.wav"),
        "train/Two_abcd_0.flac": str(tmp_path / "sc09/train/Two_abcd_0.flac"),
        "valid/Nine_0c40e715_1.wav": str(tmp_path / "sc/nine/0c40e715_nohash_1.wav"),
    }
    touch(tmp_path / "other/Three_george_7.wav")
    done = run_command(*command[:2], tmp_path / "other")
    assert done.returncode == 1 and "is there already" in done.stderr
    assert run_command(*command[:2], tmp_path / "fsdd" / "README.md").returncode == 1


def test_the_set_of_the_manifest_is_put_together_from_archives(tmp_path):
    from data.assemble_sc09 import checksum

    rng = np.random.default_rng(0)
    first, second, take = (rng.integers(-9999, 9999, samples).astype(np.int16) for samples in (16000, 12000, 8000))
    files = {"v1/six/abc_nohash_1.wav": first, "v2/six/abc_nohash_1.wav": second, "fsdd/recordings/7_theo_3.wav": take}
    for name, audio in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, audio, 8000 if name.startswith("fsdd") else 16000, subtype="PCM_16")
    rows = [
        ("train", "Six_abc_1", "Speech Commands v0.01", checksum(first)),
        ("train", "Six_abc_101", "Speech Commands v0.02", checksum(second)),
        ("valid", "Seven_theo_3", "FSDD", checksum(take)),
        ("train", "Six_blend_0", "Kokoro-82M", "0" * 12),
    ]
    manifest = tmp_path / "manifest.csv"
    with open(manifest, "w", newline="") as file:
        csv.writer(file).writerows([("split", "file", "source", "sha256"), *rows])
    folders = [tmp_path / name for name in ("v1", "v2", "fsdd")]
    done = run_command(ROOT / "data" / "assemble_sc09.py", tmp_path / "out", *folders, "--manifest", manifest)
    assert done.returncode == 0, done.stderr
    assert "missing: Kokoro-82M: 1 clips" in done.stderr and "valid, resampled otherwise: 1 clips" in done.stderr
    for name, audio in (("train/Six_abc_1", first), ("train/Six_abc_101", second)):
        np.testing.assert_array_equal(soundfile.read(tmp_path / "out" / f"{name}.flac", dtype="int16")[0], audio)
    assert len(soundfile.read(tmp_path / "out" / "valid" / "Seven_theo_3.flac")[0]) == 16000
    assert (tmp_path / "out" / "missing.csv").read_text().splitlines()[1:] == ["train,Six_blend_0,Kokoro-82M,000000000000"]


def test_no_speaker_of_the_manifest_is_in_two_splits():
    with lzma.open(ROOT / "data" / "sc09" / "MANIFEST.csv.xz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    speakers = {split: {row["file"].split("_")[1] for row in rows if row["split"] == split} for split in ("train", "valid", "test")}
    assert not speakers["train"] & speakers["valid"] and not (speakers["train"] | speakers["valid"]) & speakers["test"]
    with open(ROOT / "data" / "digits" / "MANIFEST.csv", newline="") as file:
        held_out = {row["speaker"] for row in csv.DictReader(file) if not row["file"].startswith("train/")}
    assert not speakers["train"] & held_out
