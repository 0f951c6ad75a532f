"""The scripts beside the bundled clips."""

import os

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
