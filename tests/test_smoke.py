"""The commands on the bundled models, as users call them: what works on every supported Python and TensorFlow."""

import csv
import shutil

import numpy as np
import pytest
import soundfile

from tests.conftest import CLIPS, GOLDEN

pytestmark = pytest.mark.smoke

METHODS = ("inverter", "gradient", "hybrid")


@pytest.fixture(scope="module")
def two_clips(tmp_path_factory):
    """A folder of two held-out recordings."""
    folder = tmp_path_factory.mktemp("clips")
    for path in sorted(CLIPS.glob("test/*.flac"))[:2]:
        shutil.copy(path, folder)
    return folder


def rows_of(folder):
    with open(folder / "inversions.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_what_generate_makes_is_recovered_exactly_and_standard_error_stays_empty(command_line, tmp_path):
    done = command_line("generate", "--count", 2, "--seed", 7, "--out", "made")
    assert done.returncode == 0 and not done.stderr, done.stderr
    done = command_line("invert", "made", "--out", "found")
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    assert [row["status"] for row in rows_of(tmp_path / "found")] == ["exact", "exact"]
    for name in ("0000", "0001"):
        np.testing.assert_allclose(np.load(tmp_path / f"found/{name}.z.npy"), np.load(tmp_path / f"made/{name}.z.npy"), atol=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_inverts_real_clips_by_each_method(cli, tmp_path, generator, two_clips, method):
    done = cli("invert", two_clips, "--method", method, "--max-iterations", 10, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert len(rows_of(tmp_path / "out")) == 2
    for path in two_clips.iterdir():
        z, (audio, rate) = np.load(tmp_path / f"out/{path.stem}.z.npy"), soundfile.read(tmp_path / f"out/{path.stem}.wav")
        assert rate == 16000
        np.testing.assert_allclose(audio, np.asarray(generator(z[None]))[0, :, 0], atol=1e-4)


@pytest.mark.parametrize("stage", ["classifier", "inverter", "wavegan"])
def test_trains_each_stage(train_here, tmp_path, stage):
    for split, count in (("train", 4), ("valid", 2)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for path in sorted(CLIPS.glob(f"{split}/*.flac"))[:count]:
            shutil.copy(path, tmp_path / "data" / split)
    (tmp_path / "tiny.toml").write_text("[wavegan]\ndim = 2\nupdates = 1\nreport_steps = 1\n")
    small = ("--epochs", 1, "--width", 4, "--wavegan", GOLDEN / "trained")
    if stage == "wavegan":
        small = ("--steps", 1, "--recipe", "tiny.toml")
    done = train_here(stage, "--data", "data", "--run", "run", "--batch-size", 4, *small)
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "run" / stage / "history.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert all(np.isfinite(float(value)) for name, value in row.items() if name.startswith("loss/"))
