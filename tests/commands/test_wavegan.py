"""`train_keras.py wavegan` and `tf-wavegan-inv convert`, end to end on real clips."""

import csv
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tests.commands.test_train import events
from tests.conftest import GOLDEN, ROOT
from tf_wavegan_inv import load_wavegan
from tf_wavegan_inv.names import NAMES

STEPS = 12


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text("[wavegan]\ndim = 2\nbatch_size = 2\nupdates = 2\nreport_steps = 4\naverage = 0.9\nkeep = 2\ninverted_clips = 0\n")
    return path


def arguments(recipe, run, *more):
    return "wavegan", "--recipe", recipe, "--run", run, "--steps", STEPS, *more


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    from tests.conftest import run_command

    folder = tmp_path_factory.mktemp("wavegan")
    result = run_command(ROOT / "train_keras.py", *arguments(recipe, "run"), cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run" / "wavegan"


def test_run_folder(finished):
    assert {p.name for p in finished.iterdir()} == {
        *("args.txt", "best", "checkpoint", "config.json", "history.csv", "logs"),
        *(f"model.ckpt-{step}.{part}" for step in (8, 12) for part in ("index", "data-00000-of-00001")),
    }
    with open(finished / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [4, 8, 12]
    assert set(rows[0]) - {"step"} <= set(NAMES)
    assert {"loss/discriminator", "loss/generator", "loss/gradient_penalty", "class/inception_score"} <= set(rows[0])
    assert events(finished / "logs" / "train")["scalars"] == set(rows[0]) - {"step"}
    previews = events(finished / "logs" / "previews")
    assert "audio/generated/0" in previews["audio"] and "spectrogram/generated/0" in previews["images"]


def test_generates_from_its_run(finished, cli, tmp_path):
    assert cli("generate", "--wavegan", finished, "--count", 2, "--out", tmp_path / "out").returncode == 0
    assert load_wavegan(finished / "best").config == load_wavegan(finished).config


def test_a_killed_run_ends_with_the_weights_of_one_never_killed(finished, recipe, train_keras, tmp_path):
    command = [sys.executable, ROOT / "train_keras.py", *map(str, arguments(recipe, tmp_path / "run"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "run").rglob("model.ckpt-*.index")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "run" / "wavegan" / "model.ckpt-12.index").exists()
    result = train_keras(*arguments(recipe, tmp_path / "run"))
    assert result.returncode == 0, result.stderr
    assert "Resuming" in result.stdout
    a, b = (tf.train.load_checkpoint(str(folder)) for folder in (finished, tmp_path / "run" / "wavegan"))
    assert a.get_variable_to_shape_map() == b.get_variable_to_shape_map()
    for name in a.get_variable_to_shape_map():
        np.testing.assert_array_equal(a.get_tensor(name), b.get_tensor(name), err_msg=name)


def test_a_finished_run_has_nothing_left_to_do(finished, recipe, train_here):
    result = train_here(*arguments(recipe, finished.parent))
    assert result.returncode == 0 and f"Resuming {finished} after step 12" in result.stdout


def test_goes_on_from_an_official_training_checkpoint(train_here, tmp_path, recipe):
    result = train_here("wavegan", "--recipe", recipe, "--run", "run", "--init", GOLDEN / "trained", "--steps", 51)
    assert result.returncode == 0, result.stderr
    assert f"Beginning from {GOLDEN / 'trained'}, step 50." in result.stdout
    assert load_wavegan(tmp_path / "run" / "wavegan").config.dim == 4


def test_convert_there_and_back(cli, tmp_path):
    for source, target in ((GOLDEN / "trained", "a.keras"), ("a.keras", "b/model.ckpt"), (GOLDEN / "trained", "c/model.ckpt")):
        result = cli("convert", source, target)
        assert result.returncode == 0, result.stderr
        assert "before and after: 0\n" in result.stdout
    official = tf.train.load_checkpoint(str(GOLDEN / "trained"))
    for folder, scopes in (("b", ("G/",)), ("c", ("G/", "D/"))):
        reader = tf.train.load_checkpoint(str(tmp_path / folder / "model.ckpt"))
        names = reader.get_variable_to_shape_map()
        assert set(names) == {n for n in official.get_variable_to_shape_map() if n.startswith(scopes) and "/Adam" not in n}
        for name in names:
            np.testing.assert_array_equal(reader.get_tensor(name), official.get_tensor(name))
    into = cli("convert", GOLDEN / "trained", tmp_path)
    assert into.returncode == 2 and "is a folder: give a prefix in it" in into.stderr
    again = cli("convert", GOLDEN / "trained", "a.keras")
    assert again.returncode == 2 and "a.keras exists" in again.stderr


def test_convert_takes_the_average(finished, cli, tmp_path):
    result = cli("convert", finished, "average/model.ckpt", "--average")
    assert result.returncode == 0, result.stderr
    z = np.zeros((1, 100), np.float32) + 0.5
    average, last = load_wavegan(tmp_path / "average"), load_wavegan(finished)
    assert np.abs(np.asarray(average(z)) - np.asarray(last(z))).max() > 0


@pytest.mark.parametrize(
    "more, message",
    [
        (("--init", GOLDEN / "trained", "--steps", 50), "is at step 50 already, and 50 steps were requested"),
        (("--init", GOLDEN / "trained", "--dim", 8), "the checkpoint sets the width"),
        (("--init", "some.keras"), "Training begins from a checkpoint, received some.keras"),
        (("--data", "nowhere"), "No folder of audio at nowhere"),
        (("--init", "nowhere.ckpt"), "No checkpoint at nowhere.ckpt"),
        (("--batch-size", "3", "--strategy", "mirrored"), "batch of 3 clips cannot be divided evenly over 2 replicas"),
    ],
)
def test_mistakes_get_a_message(train_keras, train_here, tmp_path, more, message):
    command = train_keras if "--strategy" in more else train_here  # this process has its two logical CPUs already
    result = command("wavegan", "--run", "run", *more)
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()
