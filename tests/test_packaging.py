"""The wheel stands alone: bundled models and clips are in it, and the commands run from any folder."""

import os
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built from this source tree and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_holds_models_clips_recipes_and_licences(installed):
    bundled = installed / "tf_wavegan_inv" / "bundled"
    for path in ("checkpoints", "data"):
        expected = {p.relative_to(ROOT / path) for p in (ROOT / path).rglob("*") if p.is_file()}
        assert {p.relative_to(bundled / path) for p in (bundled / path).rglob("*") if p.is_file()} == expected
    assert (installed / "tf_wavegan_inv" / "recipes" / "best.toml").exists() and (installed / "train_keras.py").exists()
    assert not (installed / "tests").exists()


def test_commands_run_from_any_folder(installed, tmp_path):
    command = [sys.executable, "-m", "tf_wavegan_inv.cli", "invert", "--method", "inverter", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(installed)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "50 clips inverted" in done.stdout and len(list((tmp_path / "out").glob("*.z.npy"))) == 50


def test_importing_starts_nothing():
    script = "import sys, tf_wavegan_inv.cli as c; c.parser(); print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_every_public_name_exists():
    import tf_wavegan_inv as twi

    for name in twi.__all__:
        assert getattr(twi, name) is not None
    with pytest.raises(AttributeError, match="it has .*load_wavegan"):
        twi.load_wavgan  # noqa: B018
