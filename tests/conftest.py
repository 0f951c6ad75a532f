"""Shared fixtures: official checkpoints, small models, real clips, the real command line."""

import contextlib
import io
import json
import logging
import os
import pathlib
import socket
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the tests know two logical CPUs, on whatever machine

import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv.cli import main
from tf_wavegan_inv.commands import train
from tf_wavegan_inv.training.strategy import make_logical_cpus

make_logical_cpus(2)  # before TensorFlow starts its devices: tests of distribution need two
tf.config.threading.set_intra_op_parallelism_threads(1)  # the test command has a process a core already; commands of their own have all


def pytest_configure(config):
    config.option.loadscopereorder = False  # files of few tests are not the short ones: as they come, both processes end at about one time


ROOT = pathlib.Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
CLIPS = ROOT / "data" / "digits"


@pytest.fixture(scope="session")
def golden():
    """Folder of official checkpoints by name."""
    return lambda name: GOLDEN / name


def thinned(array):
    """Every 17th entry along the second axis, which is what the golden files keep of large expected arrays; vectors whole."""
    return np.asarray(array)[:, ::17] if np.ndim(array) > 1 else np.asarray(array)


@pytest.fixture(scope="session")
def tiny_generator():
    """A WaveGAN of dim 4 from an official checkpoint; random weights."""
    from tf_wavegan_inv import load_wavegan

    return load_wavegan(GOLDEN / "a_default")


@pytest.fixture(scope="session")
def generator():
    """The bundled WaveGAN."""
    import tf_wavegan_inv as twi

    return twi.load_wavegan(twi.defaults.WAVEGAN)


@pytest.fixture(scope="session")
def two_replicas():
    """The one MirroredStrategy of the tests: a second in the same process would take the first one's collective keys."""
    from tf_wavegan_inv.training.strategy import make_strategy

    return make_strategy("mirrored", 2)


@pytest.fixture
def latents():
    """Function of a count -> z [count, 100], the same every time."""
    return lambda count: np.random.default_rng(0).uniform(-1, 1, (count, 100)).astype(np.float32)


@pytest.fixture
def float64():
    """In float32 a ResNet's gradient has noise of some percent (another order of the batch does as much): it would hide a difference."""
    import keras

    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def real_clips():
    """Some bundled recordings as `ClipArrays`."""
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.config import AudioConfig

    return read_corpus([CLIPS]).arrays("valid", AudioConfig(), 16384, 1)


class NearlyRight:
    """An inverter that knows z, but for noise."""

    def __init__(self, z, off):
        self.z = z + off * np.random.default_rng(5).normal(size=z.shape).astype(np.float32)

    def __call__(self, audio, training=False):
        return self.z[: audio.shape[0]]


def last_model(run):
    """Weights of the last model in a run folder."""
    import keras

    from tf_wavegan_inv.models import bundle  # noqa: F401 - registers the layers

    return [np.array(w) for w in keras.saving.load_model(run / "last.keras", compile=False).weights]


def run_command(*arguments, cwd=None, env=None, timeout=600):
    """Run a real command line; returns the completed process, text captured."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd or ROOT, env=environment, timeout=timeout, capture_output=True, text=True
    )


def run_workers(arguments, count=2, cwd=None):
    """Start a command as several workers of one cluster; returns the list of their `subprocess.Popen`, text captured."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for each in sockets:
        each.close()
    processes = []
    for index in range(count):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CONFIG": json.dumps(cluster)}
        command = [sys.executable, *map(str, arguments)]
        processes.append(
            subprocess.Popen(command, cwd=cwd or ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    return processes


def run_here(*arguments, cwd, main=main):
    """Run a command line of tf-wavegan-inv, or another's `main`, in this process, where TensorFlow has started.

    Returns a `subprocess.CompletedProcess`.
    """
    arguments, out, err = [str(a) for a in arguments], io.StringIO(), io.StringIO()
    root = logging.getLogger()
    before = sys.argv, root.handlers, root.level
    sys.argv, root.handlers = ["tf-wavegan-inv", *arguments], []
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    finally:
        sys.argv, root.handlers, level = before
        root.setLevel(level)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@pytest.fixture
def train_keras(tmp_path):
    """Run train_keras.py from an empty folder."""
    return lambda *arguments, **kwargs: run_command(ROOT / "train_keras.py", *arguments, cwd=tmp_path, **kwargs)


@pytest.fixture
def train_here(tmp_path):
    """The same in this process."""
    return lambda *arguments: run_here(*arguments, cwd=tmp_path, main=train.main)


@pytest.fixture
def cli(tmp_path):
    """Run tf-wavegan-inv from an empty folder, in this process."""
    return lambda *arguments: run_here(*arguments, cwd=tmp_path)


@pytest.fixture
def command_line(tmp_path):
    """The same as a user does, in a process of its own."""
    return lambda *arguments, **kwargs: run_command("-m", "tf_wavegan_inv.cli", *arguments, cwd=tmp_path, **kwargs)
