"""`tf-wavegan-inv explore`, through the real command line."""

import csv
import json

import numpy as np
import soundfile

from tests.conftest import CLIPS, GOLDEN, run_here
from tf_wavegan_inv.commands.table import COLUMNS


def test_explores_what_was_inverted(cli, tmp_path, generator):
    done = cli("invert", CLIPS / "valid", "--method", "inverter", "--out", "found")
    assert done.returncode == 0, done.stderr
    names = [p.stem for p in sorted((CLIPS / "valid").glob("*.flac"))]
    done = cli(
        "explore", "found", "--between", names[0], f"{names[-1]}.flac", "--steps", 3, "--components", 2, "--neighbours", 2, "--out", "out"
    )
    assert done.returncode == 0, done.stderr
    assert "has the same label for" in done.stdout and "has the same speaker for" in done.stdout
    (path,) = (tmp_path / "out" / "interpolation").iterdir()
    ends = [np.load(tmp_path / "found" / f"{name}.z.npy") for name in (names[0], names[-1])]
    for i, expected in ((0, ends[0]), (1, (ends[0] + ends[1]) / 2), (2, ends[1])):
        z, (audio, rate) = np.load(path / f"{i}.z.npy"), soundfile.read(path / f"{i}.wav", dtype="float32")
        np.testing.assert_allclose(z, expected, atol=1e-6)
        np.testing.assert_allclose(audio, np.asarray(generator(z[None]))[0, :, 0], atol=1e-5)
        assert rate == 16000
    groups = {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()}
    assert groups == {"interpolation", "classes", "class_directions", "principal_directions", "neighbours"}
    with open(tmp_path / "out" / "neighbours.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * len(names)
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("class=player") == len(list((tmp_path / "out").rglob("*.wav"))) and "http" not in page.replace("http-equiv", "")
    assert (tmp_path / "out" / "grid.png").read_bytes().startswith(b"\x89PNG")
    assert len(json.loads((tmp_path / "out" / "run.json").read_text())["models"]["wavegan"]["sha256"]) == 16
    with open(tmp_path / "found" / "inversions.csv", "ab") as file:
        file.write(b"odd\xff.wav,inverter,skipped" + b"," * (len(COLUMNS) - 3) + b"\r\n")  # names that are no UTF-8 are skipped by invert
    assert cli("explore", "found", "--components", 1, "--neighbours", 2, "--out", "out").returncode == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("class=player") == len(list((tmp_path / "out").rglob("*.wav")))  # nothing is left of before


def test_the_z_of_another_generator_are_refused(cli, tmp_path):
    assert cli("generate", "--wavegan", GOLDEN / "trained", "--count", 3, "--out", "other").returncode == 0
    done = cli("explore", "other", "--out", "out")
    assert done.returncode == 2 and "belong to another WaveGAN" in done.stderr and "trained/model.ckpt" in done.stderr
    done = cli("explore", "other", "--wavegan", GOLDEN / "trained", "--components", 1, "--neighbours", 1, "--out", "out")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "other" / "run.json").read_text())
    record["models"] = {"generator": {"path": "made.keras", "sha256": "0"}}
    (tmp_path / "other" / "run.json").write_text(json.dumps(record))
    done = cli("explore", "other", "--wavegan", GOLDEN / "trained", "--out", "out")
    assert done.returncode == 2 and "made.keras, which is no WaveGAN" in done.stderr


def test_explores_the_bundled_clips_by_default(cli, tmp_path):
    done = cli("explore", "--components", 1, "--queries", 1)
    assert done.returncode == 0, done.stderr
    assert "50 clips explored" in done.stdout and (tmp_path / "exploration" / "index.html").exists()


BAD = [
    (["nowhere"], "No folder of latents at nowhere"),
    (["none"], "0 latents (*.z.npy) in none"),
    (["found", "--between", "a", "c"], "0 clips are called 'c'; there are a, b."),
    (["damaged"], "a.z.npy is not a readable .npy file"),
    (["small"], "holds float32 [64]; finite floats of shape [100] are required"),
    (["--steps", "1"], "must be at least 2, received 1"),
]


def test_a_users_mistake_gets_a_message_and_no_traceback(tmp_path):
    for folder, size in (("found", 100), ("small", 64), ("damaged", 100)):
        (tmp_path / folder).mkdir()
        for name in "ab":
            np.save(tmp_path / folder / f"{name}.z.npy", np.zeros(size, np.float32))
    (tmp_path / "none").mkdir()
    (tmp_path / "damaged" / "a.z.npy").write_bytes(b"no array")
    found = [run_here("explore", *arguments, cwd=tmp_path) for arguments, _ in BAD]
    for done, (_, message) in zip(found, BAD, strict=True):
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
