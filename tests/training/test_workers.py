"""Several workers: the same updates as one process, one end for all, and nothing lost."""

import csv
import json
import signal
import time

import keras
import numpy as np
import pytest

from tests.conftest import CLIPS, ROOT, run_workers
from tests.training import updates
from tf_wavegan_inv import UserError
from tf_wavegan_inv.training.strategy import make_strategy
from tf_wavegan_inv.training.trainer import GRADIENT_NORM
from tf_wavegan_inv.training.wavegan import DISCRIMINATOR_NORM
from tf_wavegan_inv.training.workers import TEMPORARY, Workers

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
    60,
    "--strategy",
    "workers",
]


def ended(processes):
    """Wait for workers; returns the exit code, standard output and standard error of each."""
    return [(p.returncode, *texts) for p, texts in [(p, p.communicate(timeout=400)) for p in processes]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What updates.py wrote: by one process, and by each of two."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    try:
        updates.main(one)
    finally:
        keras.config.set_dtype_policy("float32")
    for code, _, text in ended(run_workers([updates.__file__, two])):
        assert code == 0, text[-3000:]
    return [np.load(path) for path in (one / "0.npz", two / "0.npz", two / "1.npz")]


@pytest.mark.parametrize("name", ["classifier", "inverter", "wavegan"])
def test_two_workers_make_the_updates_of_one(made, name):
    one, first, second = made
    moved = 0
    for key in (k for k in one if k.startswith(f"{name}/after/")):
        start, a, b = one[key.replace("after", "before")], one[key], first[key]
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a - start) + 1e-9, key
        np.testing.assert_array_equal(b, second[key])
        moved += np.linalg.norm(a - start)
    assert moved > 1e-3
    logs = [json.loads(str(each[f"{name}/logs"])) for each in made]
    assert logs[1] == logs[2] and logs[0].keys() == logs[1].keys()
    assert any(key.startswith("val_") for key in logs[0]) == (name != "wavegan")
    for key in logs[0].keys() - {GRADIENT_NORM, DISCRIMINATOR_NORM}:  # which are of each replica's part of the batch
        assert logs[1][key] == pytest.approx(logs[0][key], rel=1e-5), key


def test_a_number_of_the_chiefs_is_the_same_everywhere(made):
    assert [int(each["of_chief"]) for each in made] == [2**40] * 3


def rows(run):
    path = run / "classifier" / "history.csv"
    return list(csv.DictReader(path.open())) if path.exists() else []


def states(run):
    """How many states a run has kept."""
    path = run / "classifier" / "state" / "checkpoint"
    return path.read_text().count("all_model_checkpoint_paths:") if path.exists() else 0


def wait_for(condition, processes, seconds=300):
    until = time.monotonic() + seconds
    while not condition() and all(p.poll() is None for p in processes) and time.monotonic() < until:
        time.sleep(0.05)


def test_a_worker_that_dies_or_is_told_to_stop_ends_all_and_comes_back(tmp_path):
    """An epoch that is done again, because its state was damaged, comes to the same figures: nothing was lost on the way."""
    processes = run_workers([*CLASSIFIER, "--run", tmp_path])
    wait_for(lambda: len(rows(tmp_path)) > 1 and states(tmp_path) > 1, processes)  # an epoch's row comes before its state
    processes[1].kill()
    (code, out, text), (killed, nothing, _) = ended(processes)
    assert (code, killed) == (TEMPORARY, -signal.SIGKILL), text[-3000:]
    assert "Another worker is gone" in text and "Traceback" not in text and "Epoch 1" in out and nothing == ""

    before = rows(tmp_path)
    *_, newest = sorted((tmp_path / "classifier" / "state").glob("ckpt-*.index"), key=lambda path: int(path.stem.partition("-")[2]))
    newest.write_bytes(b"")
    processes = run_workers([*CLASSIFIER, "--run", tmp_path])
    wait_for(lambda: len(rows(tmp_path)) > len(before), processes)
    processes[1].send_signal(signal.SIGTERM)
    (code, out, text), other = ended(processes)
    for each, said in ((code, text), (other[0], other[2])):
        assert each == 128 + signal.SIGTERM and "the same command resumes from step" in said, said[-3000:]
    assert "is damaged" in text and "Resuming" in out and "Resuming" not in other[1]
    again = rows(tmp_path)[: len(before)]
    paces = {"train/steps_per_second", "train/clips_per_second", "train/memory"}
    assert [{k: v for k, v in row.items() if k not in paces} for row in again] == [
        {k: v for k, v in row.items() if k not in paces} for row in before
    ]
    assert again[-1]["train/clips_per_second"] != before[-1]["train/clips_per_second"]  # it was done again
    assert all(row["train/replicas"] == "2.0" for row in again)


def test_a_worker_of_another_command_is_refused(monkeypatch):
    workers = Workers(make_strategy("one"))
    config = {"seed": 0, "versions": {"cpus": 2}}
    workers.check_same(config)
    number = []
    monkeypatch.setattr(workers, "of_chief", lambda value: number.append(value) or number[0])
    workers.check_same(config)
    workers.check_same(config | {"versions": {"cpus": 64}})  # machines may differ
    with pytest.raises(UserError, match="Worker 0 was given other options or data than worker 0"):
        workers.check_same(config | {"seed": 1})


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
