"""The benchmarks that do more than measure time."""

import tomllib

import numpy as np
import pytest
import soundfile

from benchmarks import ablations, wavegan_samples
from tests.conftest import CLIPS, ROOT, run_command


def test_reconstructions_are_paired_measured_and_counted(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        (folder / "deep").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("deep/a", "b", "c", "d"):
        audio = random.normal(0, 0.1, 8000)
        soundfile.write(ours / f"{name}.wav", audio, 16384, subtype="FLOAT")
        noise = random.normal(0, 0.1, 8000) if name != "b" else np.zeros(8000)
        soundfile.write(theirs / f"{name}.flac" if name != "c" else theirs / "c.wav", audio + noise, 16384 if name != "d" else 8000)
    np.save(ours / "b.z.npy", np.zeros(5))
    np.save(theirs / "b.npy", np.full(5, 0.25))
    soundfile.write(theirs / "c.wav", np.full(8000, np.nan), 16384, subtype="FLOAT")
    np.save(theirs / "d.npy", np.array([None]), allow_pickle=True)
    soundfile.write(theirs / "alone.wav", random.normal(0, 0.1, 8000), 16384)
    done = run_command(ROOT / "benchmarks" / "reconstructions.py", ours, theirs)
    assert done.returncode == 0, done.stderr
    assert "| ours | theirs (2) |" in done.stdout and "| latent/max_error | 0.25 [0.25, 0.25] |" in done.stdout
    assert (
        "c.wav: 8000 of 8000 samples are NaN" in done.stderr and "d.flac: its rate is 8000 Hz, and 16384 Hz for its original" in done.stderr
    )
    done = run_command(ROOT / "benchmarks" / "reconstructions.py", ours, ours / "deep")
    assert done.returncode == 2 and "has the path of one of" in done.stderr and "Traceback" not in done.stderr


def test_every_line_of_the_ablations_is_a_recipe_of_its_own():
    lines = [*ablations.CHANGES, *ablations.WHOLE]
    texts = [ablations.to_toml(ablations.recipe_of(name)) for name in lines]
    assert len(set(texts)) == len(lines)
    for text in texts:
        recipe = tomllib.loads(text)
        assert set(recipe) == {"audio", "spectrogram", "inverter", "inversion"}
        assert any(recipe["inversion"][term] for term in ("waveform", "stft", "log_stft"))  # what is trained can be inverted by


def test_samples_are_scored_shown_and_written(tmp_path, golden, capsys):
    wavegan_samples.main([str(golden("a_default")), "--count", "12", "--splits", "2", "--real", str(CLIPS), "--out", str(tmp_path)])
    _, _, made, real = capsys.readouterr().out.strip().splitlines()
    made, real = ([cell.strip() for cell in line.strip("|").split("|")] for line in (made, real))
    assert sum(map(int, made[-1].split())) == 12 and sum(map(int, real[-1].split())) == 50
    assert float(real[2].split()[0]) > float(made[2].split()[0]) >= 1  # Inception Score: real digits, random weights
    audio, rate = soundfile.read(tmp_path / "0.flac")
    assert rate == 16000 and len(audio) == 8 * (16384 + 4000) and np.abs(audio).max() == pytest.approx(0.9, abs=1e-3)
    assert (tmp_path / "1.flac").exists() and (tmp_path / "samples.png").stat().st_size > 1000
