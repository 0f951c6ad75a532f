"""`train_keras.py` end to end on real clips: the table, TensorBoard, resuming, mistakes."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import CLIPS, GOLDEN, ROOT, last_model
from tf_wavegan_inv.commands.train import _warn_of_cost
from tf_wavegan_inv.models import bundle  # noqa: F401 - registers the layers
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.training.half_precision import cost, gradients

SMALL = ("--width", 4, "--wavegan", GOLDEN / "trained", "--batch-size", 16)


def history(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def events(folder):
    """Tags in a folder of TensorBoard logs, by plugin: "scalars", "audio", "images"."""
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    tags = {}
    for tag in accumulator.Tags()["tensors"]:
        tags.setdefault(accumulator.SummaryMetadata(tag).plugin_data.plugin_name, set()).add(tag)
    return tags


@pytest.fixture(scope="module")
def small_recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(
        'extends = "best"\n[inversion]\ngradient_iterations = 4\ngradient_starts = 1\nhybrid_iterations = 4\n'
        "[inversion.exact]\nrounds = 1\n"
    )
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A few bundled clips, and a damaged one."""
    root = tmp_path_factory.mktemp("digits")
    for split, count in (("train", 32), ("valid", 12), ("test", 6)):
        (root / split).mkdir()
        for path in sorted(CLIPS.glob(f"{split}/*.flac"))[:: {"train": 3, "valid": 3, "test": 8}[split]][:count]:
            shutil.copy(path, root / split)
    (root / "train" / "Zero_broken_0.wav").write_bytes(b"RIFF")
    return root


@pytest.fixture(scope="module")
def finished(tmp_path_factory, clips, small_recipe):
    """A run of all stages."""
    run = tmp_path_factory.mktemp("run")
    arguments = [
        ROOT / "train_keras.py",
        "all",
        "--data",
        clips,
        "--recipe",
        small_recipe,
        "--epochs",
        2,
        "--run",
        run,
        *SMALL,
        "--count",
        4,
    ]
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=900, cwd=run)
    assert done.returncode == 0, done.stderr[-3000:]
    return run, done


def test_evaluates_held_out_clips(finished):
    run, done = finished
    folder = run / "evaluation"
    methods = json.loads((folder / "tables.json").read_text())["sets"]["real"]["methods"]
    assert list(methods) == ["original", "inverter", "gradient", "hybrid"] and "| 4 real clips | label accuracy |" in done.stdout
    for method, found in methods.items():
        assert found["class/accuracy"]["n"] == 4 and f"\n| {method} | {100 * found['class/accuracy']['share']:.1f} % |" in done.stdout
        assert method == "original" or found["waveform/relative_mse"]["failed"] == 0
        files = sorted((folder / "audio" / "real" / method).glob("*.wav"))
        assert len(files) == 4 and soundfile.info(files[0]).samplerate == 16000
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("stage", ["classifier", "inverter"])
def test_options_are_there_for_comparison(finished, stage):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0] / stage / "logs"))
    events.Reload()
    assert any(b"learning_rate" in content for content in events.PluginTagToContent("hparams").values())


def test_reports_what_was_skipped(finished):
    run, done = finished
    assert "skipped:" in done.stderr and "Zero_broken_0.wav" in done.stderr
    assert "Zero_broken_0.wav" in (run / "classifier" / "skipped.txt").read_text()


@pytest.mark.parametrize("stage", ["classifier", "inverter"])
def test_run_folder_has_models_history_and_scalars_of_the_same_names(finished, stage):
    folder = finished[0] / stage
    assert {"config.json", "best.keras", "last.keras", "history.csv", "state", "logs"} <= {p.name for p in folder.iterdir()}
    columns = [c.removeprefix("val_") for c in history(folder / "history.csv")[-1] if c != "epoch"]
    assert set(columns) <= set(NAMES)
    assert events(folder / "logs" / "train")["scalars"] | events(folder / "logs" / "validation")["scalars"] == set(columns)


@pytest.mark.parametrize("stage", ["classifier", "inverter"])
def test_the_learning_rate_falls_to_zero_with_the_last_epoch(finished, stage):
    rates = [float(row["train/learning_rate"]) for row in history(finished[0] / stage / "history.csv")]
    assert rates == pytest.approx([5e-4, 0], abs=1e-9)  # a cosine from 1e-3 over two epochs


def test_tensorboard_has_audio_and_spectrograms_of_the_same_clips(finished):
    tags = events(finished[0] / "inverter" / "logs" / "previews")
    titles = {tag.removeprefix("audio/").rpartition("/")[0] for tag in tags["audio"]}
    assert any(t.startswith("real/") for t in titles) and any(t.startswith("synthesised/") for t in titles)
    expected = {f"{title}/{kind}" for title in titles for kind in ("original", "reconstruction")}
    assert tags["audio"] == {f"audio/{name}" for name in expected}
    assert tags["images"] == {f"spectrogram/{name}" for name in expected}


def signalled(command, cwd, number, when):
    """Run a command, send it a signal once `when()` is true; returns its exit code and standard error."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    return process.wait(), process.stderr.read()


def test_a_killed_run_resumes_to_the_weights_of_one_never_killed(train_keras, tmp_path, clips, small_recipe):
    """The inverter's batches come from the same function of the step, its latents from another."""
    arguments = ["classifier", "--data", clips, "--recipe", small_recipe, "--epochs", 6, *SMALL]
    assert train_keras(*arguments, "--run", "whole").returncode == 0
    command = [sys.executable, str(ROOT / "train_keras.py"), *map(str, arguments), "--run", "killed"]
    state, rows = tmp_path / "killed/classifier/state/checkpoint", tmp_path / "killed/classifier/history.csv"
    assert signalled(command, tmp_path, signal.SIGKILL, state.exists)[0] == -signal.SIGKILL
    before = len(history(rows))
    assert before < 5
    code, text = signalled(command, tmp_path, signal.SIGTERM, lambda: len(history(rows)) > before)  # as a scheduler does
    assert code == 128 + signal.SIGTERM and "Stopped by SIGTERM; the same command resumes from step" in text
    done = train_keras(*arguments, "--run", "killed")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Resuming" in done.stdout
    for a, b in zip(last_model(tmp_path / "whole/classifier"), last_model(tmp_path / "killed/classifier"), strict=True):
        np.testing.assert_array_equal(a, b)
    losses = [  # an interrupted epoch's own means are over what was left of it
        [(row["epoch"], row["val_loss/total"], row["val_class/accuracy"]) for row in history(tmp_path / f"{run}/classifier/history.csv")]
        for run in ("whole", "killed")
    ]
    assert losses[0] == losses[1]


def test_an_inverter_goes_on_with_the_classifier_it_began_with(finished, train_keras, train_here, tmp_path, clips, small_recipe):
    """Also where the run's own classifier has been trained on since."""
    shutil.copytree(finished[0], tmp_path / "run")
    began_with = (tmp_path / "run/inverter/classifier/model.keras").read_bytes()
    assert began_with == (tmp_path / "run/classifier/best.keras").read_bytes()
    other = keras.saving.load_model(tmp_path / "run/classifier/last.keras", compile=False)
    other.set_weights([1.5 * w for w in other.get_weights()])
    other.save(tmp_path / "run/classifier/best.keras")
    arguments = ("inverter", "--data", clips, "--recipe", small_recipe, "--epochs", 2, "--run", "run", *SMALL)
    done = train_keras(*arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run/inverter/classifier/model.keras").read_bytes() == began_with
    done = train_here(*arguments, "--classifier", "run/classifier")
    assert done.returncode == 2 and "classifier.sha256: was" in done.stderr


def test_begins_from_the_bundled_models_with_their_recipe_on_two_replicas(train_keras, tmp_path, clips):
    two = ("--strategy", "mirrored", "--replicas", 2)
    done = train_keras("classifier", "--data", clips, "--init", "bundled", "--epochs", 1, "--learning-rate", 1e-5, "--run", "run", *two)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run/classifier/config.json").read_text())["recipe"]["name"] == "digits"
    (row,) = history(tmp_path / "run/classifier/history.csv")
    assert float(row["val_class/accuracy"]) > 0.5 and row["train/replicas"] == "2.0"  # from scratch it would be 0.1


def test_an_inverter_for_a_generator_that_is_no_wavegan(train_here, cli, tmp_path, clips, small_recipe):
    """A SavedModel whose z lies in [-3, 3]; then clips are inverted by what was trained."""
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(16384, "tanh")]).export(
        tmp_path / "made", verbose=False
    )
    generator = ("--generator", "made", "--latent-range", -3, 3)
    done = train_here(
        "inverter", "--data", clips, "--recipe", small_recipe, "--epochs", 1, "--width", 4, "--batch-size", 16, *generator, "--run", "run"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    config = json.loads((tmp_path / "run/inverter/config.json").read_text())
    assert config["generator"]["latent_range"] == [-3, 3] and len(config["generator"]["sha256"]) == 16 and "wavegan" not in config
    done = cli("invert", clips / "test", *generator, "--inverter", "run", "--method", "inverter", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert all(np.load(path).shape == (6,) for path in (tmp_path / "out").glob("*.z.npy"))
    done = cli("invert", clips / "test", "--generator", "made", "--inverter", "run", "--method", "inverter", "--out", "other")
    assert done.returncode == 2 and "with z in [-3, 3], received made with z in [-1, 1]: give --latent-range -3 3" in done.stderr
    done = train_here("wavegan", "--data", clips, *generator, "--run", "gan")
    assert done.returncode == 2 and "Stage wavegan has no --generator" in done.stderr


def bad_data(tmp_path, kind):
    folder = tmp_path / "data"
    folder.mkdir()
    if kind == "broken":
        (folder / "Zero_a_0.wav").write_bytes(b"RIFF")
    elif kind == "no valid":
        (folder / "train").mkdir()
        shutil.copy(next(CLIPS.glob("train/*.flac")), folder / "train")
    return folder


@pytest.mark.parametrize(
    "kind, message", [("empty", "No audio in"), ("broken", "None of the 1 audio files"), ("no valid", "No clips with a known digit")]
)
def test_data_that_cannot_be_used(train_here, tmp_path, kind, message):
    done = train_here("classifier", "--data", bad_data(tmp_path, kind), "--run", "run", "--epochs", 1)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--wavegan", "none", "--data", "none"], "No checkpoint at none"),  # before the clips are checked
        (["--recipe", "none"], "No recipe 'none'"),
        (["--strategy", "mirrored", "--replicas", 3], "cannot be divided evenly over 3 replicas"),
        (["--init", "bundled", "--width", 8], "width or spectrogram differs"),
        (["--learning-rate", "nan"], "must be above 0"),
        (["--learning-rate", 9, "--wavegan", GOLDEN / "trained", "--run", "/dev/null/run"], "cannot read or write"),
    ],
)
def test_mistakes_get_a_message(train_keras, train_here, clips, tmp_path, arguments, message):
    command = train_keras if "--replicas" in arguments else train_here  # this process has its two logical CPUs already
    done = command("classifier", "--data", clips, "--run", "run/deep", "--epochs", 1, *arguments)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())  # no empty folders


@pytest.mark.parametrize("policy, times, told", [("mixed_bfloat16", 14.2, True), ("mixed_bfloat16", 0.6, False), ("float32", 14.2, False)])
def test_half_precision_that_slows_training_is_told(monkeypatch, capsys, policy, times, told):
    monkeypatch.setattr("tf_wavegan_inv.training.half_precision.cost", lambda dtype: times)
    _warn_of_cost(policy)
    assert ("14 times as long" in capsys.readouterr().out) == told


def test_cost_of_half_precision_is_a_ratio():
    assert 0 < cost("bfloat16") < np.inf
    shapes = ([4, 32, 32, 32], [3, 3, 32, 32])
    graph = gradients.get_concrete_function(*(tf.TensorSpec(shape, tf.bfloat16) for shape in shapes)).graph
    timed = {op.type: op.outputs[0].dtype for op in graph.get_operations() if op.type.startswith("Conv2DBackprop")}
    assert timed == {"Conv2DBackpropFilter": tf.bfloat16, "Conv2DBackpropInput": tf.bfloat16}
