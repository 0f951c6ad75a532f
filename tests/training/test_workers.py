"""Several workers: the same updates as one process, one end for all, and nothing lost."""

import csv
import json
import pathlib
import signal
import time

import numpy as np
import pytest

from tests.conftest import CLIPS, ROOT, last_model, run_command, run_workers
from tf_wavegan_inv import UserError
from tf_wavegan_inv.training.strategy import make_strategy
from tf_wavegan_inv.training.trainer import GRADIENT_NORM
from tf_wavegan_inv.training.workers import TEMPORARY

UPDATES = pathlib.Path(__file__).parent / "updates.py"
CLASSIFIER = [
    ROOT / "train_keras.py",
    "classifier",
    "--data",
    CLIPS,
    "--width",
    4,
    "--batch-size",
    60,
    "--epochs",
    4,
    "--strategy",
    "workers",
]


def ended(processes):
    """Wait for workers; returns the exit code, standard output and standard error of each."""
    return [(p.returncode, *texts) for p, texts in [(p, p.communicate(timeout=400)) for p in processes]]


@pytest.fixture(scope="module")
def updates(tmp_path_factory):
    """What updates.py wrote: by one process, and by each of two."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    done = run_command(UPDATES, one)
    assert done.returncode == 0, done.stderr[-3000:]
    for code, _, text in ended(run_workers([UPDATES, two])):
        assert code == 0, text[-3000:]
    return [np.load(path) for path in (one / "0.npz", two / "0.npz", two / "1.npz")]


@pytest.mark.parametrize("name", ["classifier", "inverter", "wavegan"])
def test_two_workers_make_the_updates_of_one(updates, name):
    one, first, second = updates
    moved = 0
    for key in (k for k in one if k.startswith(f"{name}/after/")):
        start, a, b = one[key.replace("after", "before")], one[key], first[key]
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a - start) + 1e-9, key
        np.testing.assert_array_equal(b, second[key])
        moved += np.linalg.norm(a - start)
    assert moved > 1e-3
    logs = [json.loads(str(each[f"{name}/logs"])) for each in updates]
    assert logs[1] == logs[2] and logs[0].keys() == logs[1].keys()
    assert any(key.startswith("val_") for key in logs[0]) == (name != "wavegan")
    for key in logs[0].keys() - {GRADIENT_NORM}:  # which is of each replica's part of the batch
        assert logs[1][key] == pytest.approx(logs[0][key], rel=1e-5), key


def rows(run):
    path = run / "classifier" / "history.csv"
    return list(csv.DictReader(path.open())) if path.exists() else []


def wait_for(condition, processes, seconds=300):
    until = time.monotonic() + seconds
    while not condition() and all(p.poll() is None for p in processes) and time.monotonic() < until:
        time.sleep(0.05)


def test_a_worker_that_dies_or_is_told_to_stop_ends_all_and_comes_back(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for code, _, text in ended(run_workers([*CLASSIFIER, "--run", whole])):
        assert code == 0, text[-3000:]

    processes = run_workers([*CLASSIFIER, "--run", broken])
    wait_for(lambda: rows(broken), processes)
    processes[1].kill()
    (code, _, text), (killed, *_) = ended(processes)
    assert (code, killed) == (TEMPORARY, -signal.SIGKILL), text[-3000:]
    assert "Another worker is gone" in text and "Traceback" not in text

    before, processes = len(rows(broken)), run_workers([*CLASSIFIER, "--run", broken])
    wait_for(lambda: len(rows(broken)) > before, processes)
    processes[1].send_signal(signal.SIGTERM)
    for code, _, text in ended(processes):
        assert code == 128 + signal.SIGTERM and "the same command goes on from step" in text, text[-3000:]

    (code, out, text), (other, nothing, _) = ended(run_workers([*CLASSIFIER, "--run", broken]))
    assert (code, other) == (0, 0), text[-3000:]
    assert "Resuming" in out and nothing == ""
    for a, b in zip(last_model(whole / "classifier"), last_model(broken / "classifier"), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [row["val_loss/total"] for row in rows(whole)] == [row["val_loss/total"] for row in rows(broken)]
    assert all(row["train/replicas"] == "2.0" for row in rows(whole))


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "finds no several workers in the environment variable TF_CONFIG"),
        ("{", "TF_CONFIG is not understood"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', r"\('worker', 2\) is none of the cluster's"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', "finds no several workers"),
    ],
)
def test_a_configuration_that_is_not_understood(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=message):
        make_strategy("workers")
