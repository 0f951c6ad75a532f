"""Resuming `invert` after an interruption; shards; results of version 0.1."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from tests.conftest import CLIPS, ROOT, run_here
from tf_wavegan_inv.exploration.latents import read_latents

ARGUMENTS = ("invert", "--method", "inverter", "--batch-size", 2)
RANDOM = (
    "invert",
    "--wavegan",
    ROOT / "tests/golden/trained",
    "--method",
    "gradient",
    "--max-iterations",
    2,
    "--batch-size",
    2,
    "--recipe",
    "brief.toml",
)


def run_all(command_lines, cwd):
    return [run_here(*arguments, cwd=cwd) for arguments in command_lines]


def rows(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    """Seven clips, some of odd names, and one that cannot be used."""
    folder = tmp_path / "clips"
    folder.mkdir()
    names = ["a", "b,c", 'd"e', "f\rg", "h\ni", "\u00e4", "L" * 240]
    for name, path in zip(names, sorted(CLIPS.glob("test/*.flac")), strict=False):
        shutil.copy(path, folder / f"{name}.flac")
    (folder / "bad.wav").write_text("no audio")
    (tmp_path / "brief.toml").write_text("[inversion]\nwaveform = 1.0\n")
    return folder


def test_shards_are_the_whole(folder, tmp_path):
    whole, *parts = run_all(
        [[*RANDOM, folder, "--out", "whole"], *([*RANDOM, folder, "--out", "parts", "--shard", f"{i}/3"] for i in (1, 2, 3))],
        tmp_path,
    )
    assert all(done.returncode == 0 for done in (whole, *parts)), [done.stderr for done in parts]
    found = [row for i in (1, 2, 3) for row in rows(tmp_path / "parts" / f"inversions-{i}-of-3.csv")]
    expected = {row["path"]: row for row in rows(tmp_path / "whole" / "inversions.csv")}
    assert len(found) == len(expected) == 8 and {row["path"] for row in found} == set(expected)
    for row in found:
        assert row["z"] == expected[row["path"]]["z"]
        if row["z"]:  # from the same random starts, in another batch
            np.testing.assert_allclose(np.load(tmp_path / "whole" / row["z"]), np.load(tmp_path / "parts" / row["z"]), atol=1e-3)


def test_a_killed_call_goes_on(folder, tmp_path):
    arguments = [*map(str, ARGUMENTS), str(folder), "--out", "out", "--batch-size", "1"]
    table = tmp_path / "out" / "inversions.csv"
    command, environment = [sys.executable, "-m", "tf_wavegan_inv.cli", *arguments], os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (table.exists() and len(rows(table)) > 3) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {row["z"]: (tmp_path / "out" / row["z"]).stat().st_mtime_ns for row in rows(table) if row["z"] and row["stamp"]}
    again, nothing = run_all([arguments, arguments], tmp_path)
    assert "clips were inverted by an earlier call" in again.stdout and again.returncode == 0, again.stderr
    found = rows(table)
    assert len(found) == 8 and len({row["path"] for row in found}) == 8 and before
    assert "7 of 8 clips were inverted by an earlier call: 1 are left" in nothing.stdout  # the one that cannot be
    for z, changed in before.items():
        assert (tmp_path / "out" / z).stat().st_mtime_ns == changed


def test_what_is_done_again(folder, tmp_path):
    """What was changed, lost, or is another; and nothing else."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / "b,c.flac", other / "a.flac")
    base = [*ARGUMENTS, folder, "--out", "out"]
    (first,) = run_all([base], tmp_path)
    assert first.returncode == 0, first.stderr
    table = tmp_path / "out" / "inversions.csv"
    text = table.read_bytes()
    table.write_bytes(text[: text.index(b"\r\n", len(text) // 2) + 30])  # cut within a row
    kept = sum(bool(row["z"]) for row in rows(table)[:-1])
    (cut,) = run_all([base], tmp_path)
    assert f"{kept} of 8 clips" in cut.stdout and len(rows(table)) == 8

    audio, rate = soundfile.read(folder / "a.flac")
    (folder / "a.flac").unlink()
    soundfile.write(folder / "a.flac", audio[::2], rate)
    os.utime(folder / "a.flac", (1, 1))  # changed, and older than its results
    (tmp_path / "out" / "b,c.wav").unlink()
    (changed,) = run_all([base], tmp_path)
    assert "5 of 8 clips" in changed.stdout

    z = np.load(tmp_path / "out" / "a.z.npy")
    one, another, whole = run_all([[*ARGUMENTS, f, "--out", "out"] for f in (folder / "b,c.flac", other, folder)], tmp_path)
    assert "1 of 1 clips" in one.stdout and len(rows(table)) == 8  # the others are not forgotten
    assert "earlier call" not in another.stdout and "6 of 8 clips" in whole.stdout
    np.testing.assert_allclose(np.load(tmp_path / "out" / "a.z.npy"), z, atol=1e-3)  # made anew: other/a.flac had its name

    (tmp_path / "out" / "run.json").write_text('{"models": []}')
    lines = [base, [*base, "--seed", 1], [*base, "--seed", 1, "--shard", "1/2"], ["request", folder, "--out", "out"]]
    damaged, *refused = run_all(lines, tmp_path)
    assert "earlier call" not in damaged.stdout and damaged.returncode == 0
    for done in refused:
        assert done.returncode == 2 and "holds the results of another call" in done.stderr and "give another --out" in done.stderr
    assert len(rows(table)) == 8
    (tmp_path / "out" / "run.json").write_text('{"arguments": {"server": "localhost:1", "name": "m", "steps": 20}}')
    for done in run_all(lines[::3], tmp_path):  # what a server found is not to be replaced either
        assert done.returncode == 2 and "holds the results of another call" in done.stderr


def test_rows_of_recordings_that_were_moved_away_are_kept(folder, tmp_path):
    """As of a folder that is emptied after each call."""
    arguments = [*ARGUMENTS, folder, "--out", "out"]
    (first,) = run_all([arguments], tmp_path)
    before = {row["path"]: row["z"] for row in rows(tmp_path / "out" / "inversions.csv")}
    (folder / "a.flac").unlink()
    (again,) = run_all([arguments], tmp_path)
    assert first.returncode == again.returncode == 0
    after = {row["path"]: row["z"] for row in rows(tmp_path / "out" / "inversions.csv")}
    assert after == before and after["a.flac"] == "a.z.npy"


def test_a_clip_that_takes_the_name_of_one_in_another_shard(tmp_path):
    """Then that one is done again under its new name, in whichever shard it is."""
    folder = tmp_path / "clips"
    folder.mkdir()
    first, second, *_ = sorted(CLIPS.glob("test/*.flac"))
    audio, rate = soundfile.read(first)
    for i in range(2):
        soundfile.write(folder / f"c{i}.wav", audio, rate)
    calls = [[*ARGUMENTS, folder, "--out", "out", "--shard", f"{i}/2"] for i in (1, 2)]
    before = run_all(calls, tmp_path)
    for i in range(2):
        shutil.copy(second, folder / f"c{i}.flac")
    assert all(done.returncode == 0 for done in before + run_all(calls, tmp_path))
    found = [row for i in (1, 2) for row in rows(tmp_path / "out" / f"inversions-{i}-of-2.csv")]
    assert sorted((row["path"], row["z"]) for row in found) == sorted(
        pair for i in range(2) for pair in ((f"c{i}.flac", f"c{i}.z.npy"), (f"c{i}.wav", f"c{i}.wav.z.npy"))
    )


def test_what_vanishes_meanwhile_is_skipped(folder, tmp_path, monkeypatch):
    from tf_wavegan_inv.cli import main
    from tf_wavegan_inv.commands import recordings as reading

    monkeypatch.chdir(tmp_path)
    read_batches = reading.read_batches

    def vanishing(recordings, **options):
        recordings[3].clip.path.unlink()
        return read_batches(recordings, **options)

    monkeypatch.setattr(reading, "read_batches", vanishing)
    assert main([*map(str, ARGUMENTS), str(folder), "--out", "out"]) == 0
    found = rows(tmp_path / "out" / "inversions.csv")
    assert len(found) == 8 and sorted(row["note"].endswith("no such file.") for row in found) == [False] * 7 + [True]


def as_of_0_1(folder):
    """Turn a folder of results into one of version 0.1: column names without agreement, its version, its options."""
    for table in folder.glob("inversions*.csv"):
        found = rows(table)
        names = [name for name in found[0] if name != "label_agreement"]
        old = {"label_predicted": "digit", "label_original": "digit_original"}
        with open(table, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow([old.get(name, name) for name in names])
            writer.writerows([row[name] for name in names] for row in found)
    record = json.loads((folder / "run.json").read_text())
    record["versions"]["tf-wavegan-inv"] = "0.1.0"
    exact = record["inversion"].pop("exact")
    record["inversion"] |= {"stages": [], "latent": "free", "exact_rounds": exact["rounds"]}
    (folder / "run.json").write_text(json.dumps(record))


def test_results_of_version_0_1_are_resumed_and_explored(folder, tmp_path):
    base = [*ARGUMENTS, folder, "--out", "out"]
    (first,) = run_all([base], tmp_path)
    assert first.returncode == 0, first.stderr
    table = tmp_path / "out" / "inversions.csv"
    before = {row["path"]: row for row in rows(table)}
    as_of_0_1(tmp_path / "out")
    assert "digit_original" in rows(table)[0] and "label_original" not in rows(table)[0]
    found = read_latents(tmp_path / "out", 100)
    labels = {row["path"]: row["label_original"] for row in before.values()}
    assert [str(label) for label in found.labels] == [labels[name] for name in found.names]
    (tmp_path / "out" / "a.z.npy").unlink()
    (again,) = run_all([base], tmp_path)
    assert again.returncode == 0 and "6 of 8 clips were inverted by an earlier call: 2 are left" in again.stdout
    for row in rows(table):
        expected = before[row["path"]]
        assert row.keys() == expected.keys()
        if row["path"] not in ("a.flac", "bad.wav"):
            assert row == expected
        assert row["label_agreement"] == expected["label_agreement"]
