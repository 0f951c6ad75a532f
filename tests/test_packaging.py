"""The wheel stands alone: bundled models and clips are in it, and the commands run from any folder."""

import os
import shutil
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
        expected = {p.relative_to(ROOT / path) for p in (ROOT / path).rglob("*") if p.is_file() and "__pycache__" not in p.parts}
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


def checked(*command, **kwargs):
    """Run a command line; its output if it succeeds."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def offline():
    """What a command line begins with so that it has no network; nothing where this system does not allow that."""
    prefix = ["unshare", "--map-root-user", "--net"]
    allowed = shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    return prefix if allowed else []


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment_without_the_network(tmp_path):
    dist, venv, away = tmp_path / "dist", tmp_path / "venv", tmp_path / "away"
    checked(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT)
    files = sorted(dist.iterdir())
    assert [file.suffix for file in files] == [".whl", ".gz"] and all(file.stat().st_size <= 50e6 for file in files)
    checked(sys.executable, "-m", "twine", "check", "--strict", *files)
    checked(sys.executable, "-m", "venv", venv)
    checked(venv / "bin" / "pip", "install", "-q", "-c", ROOT / "constraints.txt", files[0])
    away.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for arguments in (
        ("generate", "--count", 2, "--out", "made"),
        ("invert", "made", "--method", "hybrid", "--max-iterations", 20, "--out", "found"),
        ("evaluate", "--count", 2, "--methods", "inverter", "--out", "figures"),
        ("export", "--out", "served"),
    ):
        checked(*offline(), venv / "bin" / "tf-wavegan-inv", *arguments, cwd=away, env=environment)
    assert {path.name for path in away.iterdir()} == {"made", "found", "figures", "served"}
    assert (away / "figures" / "report.html").exists() and (away / "served" / "1" / "saved_model.pb").exists()
