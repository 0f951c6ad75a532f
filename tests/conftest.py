"""Shared fixtures: official checkpoints, small models, real clips, the real command line."""

import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tf_wavegan_inv.training.strategy import make_logical_cpus

make_logical_cpus(2)  # before TensorFlow starts its devices: tests of distribution need two

ROOT = pathlib.Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
CLIPS = ROOT / "data" / "digits"


@pytest.fixture(scope="session")
def golden():
    """Folder of official checkpoints by name."""
    return lambda name: GOLDEN / name


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
    from tf_wavegan_inv.audio.condition import AudioConfig
    from tf_wavegan_inv.audio.load import read_corpus

    return read_corpus([CLIPS]).arrays("valid", AudioConfig(), 16384, 1)


def run_command(*arguments, cwd=None, env=None, timeout=600):
    """Run a real command line; returns the completed process, text captured."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd or ROOT, env=environment, timeout=timeout, capture_output=True, text=True
    )


@pytest.fixture
def train_keras(tmp_path):
    """Run train_keras.py from an empty folder."""
    return lambda *arguments, **kwargs: run_command(ROOT / "train_keras.py", *arguments, cwd=tmp_path, **kwargs)


@pytest.fixture
def cli(tmp_path):
    """Run tf-wavegan-inv from an empty folder."""
    return lambda *arguments, **kwargs: run_command("-m", "tf_wavegan_inv.cli", *arguments, cwd=tmp_path, **kwargs)
