"""Saving on a full disk, losses that are no numbers, patience."""

import dataclasses
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.dataset import validation_batches
from tf_wavegan_inv.config import ClassifierConfig, SpectrogramConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.training.classifier import MONITOR, ClassifierTrainer
from tf_wavegan_inv.training.fit import EpochKeeper, fit
from tf_wavegan_inv.training.run import Run

CONFIG = ClassifierConfig(width=4, batch_size=4, epochs=3)
OPTIONS = {"recipe": {}, "stage": "classifier", "seed": 0, "init": "scratch"}


def train(folder, clips, config=CONFIG, steps=3, batches_from=None, learning_rate=0.0):
    """Train a small classifier; returns its `Run`."""
    keras.utils.set_random_seed(0)
    trainer = ClassifierTrainer(build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4), keras.optimizers.SGD(learning_rate))
    run = Run(folder, OPTIONS)

    def endless(step):
        index = tf.data.Dataset.range(step, 10**9)
        audio, labels = tf.constant(clips.float_audio(0, 4)), tf.constant(clips.labels[:4])
        return index.map(lambda i: (tf.ensure_shape(audio * (1 + 0.01 * tf.cast(i, tf.float32)), [4, 16384, 1]), labels))

    valid = validation_batches(clips.take(list(range(4))), 4)
    fit(trainer, run, batches_from or endless, valid, steps, config, MONITOR, verbose=0)
    return run


def test_a_full_disk_costs_nothing_but_the_state_that_did_not_fit(tmp_path, real_clips, monkeypatch, caplog):
    """For the disk stands a limit on the size of files, which Python is told of by an error; it holds in the second of three epochs."""
    report, limits = EpochKeeper.report, resource.getrlimit(resource.RLIMIT_FSIZE)
    save = Run.save_state

    def reported(self, epoch, logs):
        if epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        report(self, epoch, logs)

    def saved(self, step):
        try:
            save(self, step)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(EpochKeeper, "report", reported)
    monkeypatch.setattr(Run, "save_state", saved)
    run = train(tmp_path, real_clips)
    assert "the report after step 6 cannot be written" in caplog.text and "the state after step 6 cannot be written" in caplog.text
    assert [row["epoch"] for row in run.history()] == ["1", "3"]
    assert {p.name.split(".")[0] for p in (tmp_path / "state").iterdir()} == {"checkpoint", "ckpt-3", "ckpt-9"}


def test_a_model_that_could_not_be_written_is_not_the_best(tmp_path, real_clips, monkeypatch):
    save, tried = Run.save_model, []

    def saved(self, name, network):
        tried.append(name)
        if tried == ["best"]:
            raise OSError("no space")
        save(self, name, network)

    monkeypatch.setattr(Run, "save_model", saved)
    run = train(tmp_path, real_clips)
    assert tried[:3] == ["best", "best", "last"] and (tmp_path / "best.keras").exists() and float(run.best) < np.inf


def test_a_loss_that_is_no_number_stops_training_and_keeps_the_batch(tmp_path, real_clips):
    audio, labels = tf.constant(real_clips.float_audio(0, 4)), tf.constant(real_clips.labels[:4])

    def batches_from(step):
        bad = audio.numpy()
        bad[1, 5] = np.nan
        return tf.data.Dataset.range(step, 100).map(lambda i: (tf.where(i == 4, tf.constant(bad), audio), labels))

    with pytest.raises(UserError, match=r"diverged in step 5: .*loss/total.* Its batch is in .*diverged-step-5\.npz"):
        train(tmp_path, real_clips, batches_from=batches_from)
    kept = np.load(tmp_path / "diverged-step-5.npz")
    assert np.isnan(kept["array_0"][1, 5]).all() and np.isnan(kept["array_0"]).sum() == 1
    np.testing.assert_array_equal(kept["array_1"], labels)
    assert {p.name for p in (tmp_path / "state").iterdir()} >= {"ckpt-3.index"}


def test_patience_ends_training_and_a_later_call_does_not_go_on(tmp_path, real_clips, capsys):
    config = dataclasses.replace(CONFIG, epochs=9, patience=2)
    run = train(tmp_path, real_clips, config, steps=1, learning_rate=-0.1)  # uphill
    losses = [float(row["val_loss/total"]) for row in run.history()]
    assert len(losses) < 9 and len(losses) - 1 - int(np.argmin(losses)) == 2
    assert len(train(tmp_path, real_clips, config, steps=1, learning_rate=-0.1).history()) == len(losses)
    assert "enough" in capsys.readouterr().out


def test_history_tells_the_pace(tmp_path, real_clips):
    (row, *_) = train(tmp_path, real_clips).history()
    columns = {name for name in row if name.startswith("train/")}
    assert columns <= set(NAMES) and {"train/gradient_norm", "train/clips_per_second", "train/memory", "train/replicas"} <= columns
    assert float(row["train/clips_per_second"]) == pytest.approx(4 * float(row["train/steps_per_second"]), rel=1e-4)
    assert float(row["train/gradient_norm"]) > 0 and float(row["train/replicas"]) == 1 and float(row["train/memory"]) > 0.1
