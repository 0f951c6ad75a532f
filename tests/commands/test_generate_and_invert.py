"""The commands, through the real command line, on real audio."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest
import soundfile

from tests.conftest import CLIPS, GOLDEN, run_here, thinned
from tf_wavegan_inv import defaults, load_wavegan
from tf_wavegan_inv.audio.folders import Clip
from tf_wavegan_inv.commands.common import clips_in_words
from tf_wavegan_inv.commands.recordings import output_names


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_generate_from_a_seed(command_line, tmp_path, generator):
    for out in ("a", "b"):
        done = command_line("generate", "--count", 3, "--seed", 7, "--out", out)
        assert done.returncode == 0, done.stderr
    for i in range(3):
        z, (audio, rate) = np.load(tmp_path / f"a/{i:04}.z.npy"), soundfile.read(tmp_path / f"a/{i:04}.wav", dtype="float32")
        assert rate == 16000 and z.dtype == np.float32 and z.shape == (100,)
        np.testing.assert_allclose(audio, np.asarray(generator(z[None]))[0, :, 0], atol=1e-6)
        np.testing.assert_array_equal(soundfile.read(tmp_path / f"b/{i:04}.wav", dtype="float32")[0], audio)
    record = json.loads((tmp_path / "a/run.json").read_text())
    assert (
        record["seed"] == 7 and record["command"][:2] == ["tf-wavegan-inv", "generate"] and len(record["models"]["wavegan"]["sha256"]) == 16
    )


def test_generating_again_leaves_nothing_of_before(cli, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "9999.wav").write_bytes(b"")  # of somebody else: there is no run.json yet
    assert cli("generate", "--wavegan", GOLDEN / "trained", "--count", 3, "--out", "out").returncode == 0
    assert (tmp_path / "out" / "9999.wav").exists()
    assert cli("generate", "--wavegan", GOLDEN / "trained", "--count", 1, "--seed", 1, "--out", "out").returncode == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"0000.wav", "0000.z.npy", "run.json"}


def test_generate_from_latents_of_an_official_checkpoint(cli, tmp_path):
    golden = np.load(GOLDEN / "trained" / "golden.npz")
    np.save(tmp_path / "z.npy", golden["z"])
    done = cli("generate", "--wavegan", GOLDEN / "trained", "--z", "z.npy", "--out", ".")
    assert done.returncode == 2 and "--z z.npy lies in --out" in done.stderr
    done = cli("generate", "--wavegan", GOLDEN / "trained", "--z", "z.npy", "--out", "out")
    assert done.returncode == 0, done.stderr
    for i, expected in enumerate(golden["G_z"]):
        audio, _ = soundfile.read(tmp_path / f"out/{i:04}.wav", always_2d=True)
        np.testing.assert_allclose(thinned(audio[None])[0], expected, atol=1e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tree of real clips, and one file of every trouble."""
    root = tmp_path_factory.mktemp("clips")
    good = sorted(CLIPS.glob("test/*.flac"))[:3]
    (root / "deep" / "er").mkdir(parents=True)
    shutil.copy(good[0], root / "first.flac")
    shutil.copy(good[1], root / "deep" / "er" / "second.flac")
    audio, rate = soundfile.read(good[2])
    soundfile.write(root / "first.wav", audio, rate)  # the same stem, another suffix
    soundfile.write(root / "long stereo.ogg", np.stack([np.tile(audio, 12)] * 2, axis=1), 44100)
    soundfile.write(root / "silent.wav", np.zeros(8000), 16000)
    soundfile.write(root / "nan.wav", np.full(8000, np.nan), 16000, subtype="FLOAT")
    (root / "empty.mp3").write_bytes(b"")
    (root / "text.wav").write_text("no audio")
    soundfile.write(root / "late.wav", np.concatenate([np.zeros(32000), audio]), 16000)
    (root / "notes.txt").write_text("not looked at")
    return root


@pytest.mark.parametrize("method", ["inverter", "gradient", "hybrid"])
def test_invert_a_folder(command_line, tmp_path, folder, generator, method):
    done = command_line("invert", folder, "--method", method, "--max-iterations", 3, "--out", "out")
    assert done.returncode == 0, done.stderr
    table = {row["path"]: row for row in rows(tmp_path / "out" / "inversions.csv")}
    skipped = {path for path, row in table.items() if row["status"] == "skipped"}
    assert skipped == {"silent.wav", "nan.wav", "empty.mp3", "text.wav", "late.wav"} and len(table) == 9
    for path in skipped:
        assert f"skipped: {folder / path}: " in done.stderr and table[path]["note"]
    for path in set(table) - skipped:
        row = table[path]
        z, (audio, rate) = np.load(tmp_path / "out" / row["z"]), soundfile.read(tmp_path / "out" / row["reconstruction"], dtype="float32")
        assert z.shape == (100,) and z.dtype == np.float32 and rate == 16000
        np.testing.assert_allclose(audio, np.asarray(generator(z[None]))[0, :, 0], atol=1e-5)
        assert row["method"] == method and row["status"] == ("predicted" if method == "inverter" else "max_iterations")
        assert np.isfinite([float(row[c]) for c in ("objective", "iterations", "seconds", "mse", "relative_mse", "si_sdr")]).all()
    assert table["deep/er/second.flac"]["z"] == "deep/er/second.z.npy"
    assert "only the first 1.02 s was inverted" in table["long stereo.ogg"]["note"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["arguments"]["method"] == method


def test_recordings_are_never_overwritten(cli, tmp_path):
    shutil.copy(next(CLIPS.glob("test/*.flac")), tmp_path / "clip.flac")
    audio, rate = soundfile.read(tmp_path / "clip.flac")
    soundfile.write(tmp_path / "clip.wav", audio, rate)
    before = (tmp_path / "clip.wav").read_bytes()
    done = cli("invert", "clip.wav", "--method", "inverter", "--out", ".")
    assert done.returncode == 2 and "give another --out" in done.stderr and (tmp_path / "clip.wav").read_bytes() == before
    shutil.copy(tmp_path / "clip.flac", tmp_path / "other.flac")
    done = cli("invert", "other.flac", "found/../clip.wav", "--method", "inverter", "--out", ".")
    assert done.returncode == 2 and "lies in --out ., where results are written" in done.stderr  # named, it is not left out silently
    (tmp_path / "other.flac").unlink()
    for _ in range(2):  # the first call's reconstructions are no input of the second
        done = cli("invert", ".", "clip.wav", "--method", "inverter")
        assert done.returncode == 0 and "2 clips inverted, 0 skipped" in done.stdout, done.stderr


def test_a_clip_that_is_too_loud_is_skipped(cli, tmp_path):
    """By a recipe that takes levels as they are: one that normalises takes it."""
    (tmp_path / "clips").mkdir()
    audio, rate = soundfile.read(next(CLIPS.glob("test/*.flac")))
    soundfile.write(tmp_path / "clips" / "good.wav", audio, rate)
    soundfile.write(tmp_path / "clips" / "loud.wav", 32768 * audio, rate, subtype="FLOAT")
    shutil.copytree(defaults.CLASSIFIER, tmp_path / "as-it-is")
    config = json.loads((tmp_path / "as-it-is" / "config.json").read_text())
    config["recipe"]["audio"]["peak_normalise"] = False
    (tmp_path / "as-it-is" / "config.json").write_text(json.dumps(config))
    for classifier, count in ((defaults.CLASSIFIER, 2), ("as-it-is", 1)):
        done = cli(
            *("invert", "clips", "--wavegan", GOLDEN / "trained", "--classifier", classifier, "--method", "gradient"),
            *("--max-iterations", 1, "--recipe", "paper", "--out", f"out{count}"),
        )
        assert done.returncode == 0 and f"{clips_in_words(count)} inverted, {2 - count} skipped" in done.stdout, done.stderr
    assert "loud.wav: its samples reach 2" in done.stderr and "where full scale is 1" in done.stderr


def test_another_wavegan_needs_an_inverter_of_its_own(cli, folder):
    done = cli("invert", folder / "first.flac", "--wavegan", GOLDEN / "a_default", "--method", "hybrid")
    assert done.returncode == 2 and "bundled inverter was trained for the bundled WaveGAN" in done.stderr
    done = cli("invert", folder / "first.flac", "--wavegan", GOLDEN / "a_default", "--method", "inverter", "--inverter", defaults.INVERTER)
    assert done.returncode == 0 and "warning: the inverter" in done.stderr


def test_a_wavegan_of_other_length_and_channels_needs_no_classifier_for_gradient(cli, tmp_path, folder):
    done = cli(
        "invert",
        folder / "first.flac",
        "--wavegan",
        GOLDEN / "e_slice32768_nch2",
        "--slice-len",
        32768,
        "--method",
        "gradient",
        "--max-iterations",
        2,
        "--out",
        "out",
    )
    assert done.returncode == 0, done.stderr
    assert (
        soundfile.info(tmp_path / "out" / "first.wav").channels == 2
        and rows(tmp_path / "out" / "inversions.csv")[0]["label_predicted"] == ""
    )


def test_outputs_of_equal_stems_do_not_collide(tmp_path):
    clips = [Clip(tmp_path / str(i), name) for i, name in enumerate(["a.flac", "a.wav", "b/a.wav", "a.wav", "a.flac.wav"])]
    names = list(output_names(clips).values())
    assert len(set(names)) == len(clips) and names[:3] == ["a", "a.wav", "b/a"]


def test_a_wav_of_the_generator_gives_back_its_latents(cli, tmp_path):
    """From 16-bit files, which are normalised on reading."""
    assert cli("generate", "--count", 2, "--seed", 4, "--out", "made").returncode == 0
    done = cli("invert", "made", "--out", "found")
    assert done.returncode == 0, done.stderr
    for row in rows(tmp_path / "found" / "inversions.csv"):
        assert row["status"] == "exact"
        z, found = (np.load(tmp_path / folder / row["z"]) for folder in ("made", "found"))
        assert np.abs(z - found).max() < 1e-2
        assert float(row["gain"]) >= 1 and float(row["si_sdr"]) > 50


def test_self_check_recovers_known_latents(cli):
    done = cli("invert", "--self-check", 2)
    assert done.returncode == 0, done.stderr
    assert "2 clips of known z" in done.stdout and "every direction of z is audible" in done.stdout
    assert "recovered (largest error below 0.01): 100.0 %" in done.stdout


def test_trajectory_pivot_and_time_limit(cli, tmp_path, folder):
    done = cli("invert", folder / "first.flac", "--trajectory", "--pivot", 4, "--time-limit", 3, "--out", "out")
    assert done.returncode == 0, done.stderr
    (row,) = rows(tmp_path / "out" / "inversions.csv")
    assert row["status"] in ("time_limit", "max_iterations") and int(row["evaluations"]) > int(row["iterations"]) > 0
    assert float(row["pivot_relative_mse"]) < float(row["relative_mse"])
    way = np.load(tmp_path / "out" / "first.trajectory.npz")
    assert (
        way["z"].shape == (len(way["objective"]), 100)
        and (np.diff(way["objective"]) <= 0).all()
        and (np.diff(way["iterations"]) >= 0).all()
    )
    z, pivot = np.load(tmp_path / "out" / "first.z.npy"), soundfile.read(tmp_path / "out" / "first.pivot.wav", dtype="float32")[0]
    np.testing.assert_allclose(way["z"][-1], z, atol=1e-6)
    np.testing.assert_allclose(load_wavegan(tmp_path / "out" / "first.pivot")(z[None])[0, :, 0], pivot, atol=1e-4)


def test_any_generator_is_inverted(cli, tmp_path):
    """A SavedModel whose z is normal, and no WaveGAN."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(64, "tanh"), keras.layers.Dense(1600, "tanh")])
    model.export(tmp_path / "model", verbose=False)
    z = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32).clip(-3, 3)
    for i, audio in enumerate(np.asarray(model(z))):
        soundfile.write(tmp_path / f"{i}.wav", audio / np.abs(audio).max(), 16000, subtype="FLOAT")
    arguments = ("--generator", "model", "--latent-range", -3, 3, "--method", "gradient", "--out", "out")
    done = cli("invert", "0.wav", "1.wav", *arguments)
    assert done.returncode == 0, done.stderr
    for i, row in enumerate(rows(tmp_path / "out" / "inversions.csv")):
        assert row["status"] == "exact"
        np.testing.assert_allclose(np.load(tmp_path / "out" / row["z"]), z[i], atol=1e-2)


BAD = [
    (["invert", "--generator", "{folder}"], "The bundled inverter is not for"),
    (["invert", "--generator", "{folder}", "--method", "gradient"], "No generator at"),
    (["invert", "--generator", "{folder}", "--method", "gradient", "--pivot", "3"], "--pivot fine-tunes a WaveGAN"),
    (["invert", "--latent-dim", "3"], "go with --generator"),
    (["invert", "--self-check", "--pivot", "3", "--trajectory", "--out", "there"], "leave out trajectory, pivot, out"),
    (["invert", "--time-limit", "0"], "must be a number above 0, received 0"),
    (["invert", "--shard", "3/2"], "must be i/n with i in 1..n"),
    (["invert", "nowhere.wav"], "No such file or folder: nowhere.wav"),
    (["invert", "{empty}"], "No audio in"),
    (["invert", "{folder}/text.wav"], "not readable as audio"),
    (["invert", "{folder}/first.flac", "--wavegan", "nothing/model.ckpt"], "No checkpoint at nothing/model.ckpt"),
    (["invert", "{folder}/first.flac", "--inverter", "{folder}"], "No inverter at"),
    (["invert", "{folder}/first.flac", "--inverter", str(defaults.CLASSIFIER)], "is a model of stage 'classifier'"),
    (["invert", "{folder}/first.flac", "--recipe", "bset"], "No recipe 'bset'"),
    (["generate", "--z", "{folder}/text.wav"], "not a readable .npy file"),
    (["generate", "--out", "{folder}/text.wav"], "cannot read or write"),
    (["generate", "--seed", "-1"], "must be in 0..2147483647"),
    (["generate", "--wavegan", "{folder}"], "must hold one WaveGAN checkpoint"),
]


BAD_LATENTS = [
    (np.zeros((3, 64), np.float32), r"float32 [3, 64]; this WaveGAN takes floats of shape [count, 100]"),
    (np.full((2, 100), np.nan), "NaN or infinite values in rows [0, 1]"),
    (np.zeros((2, 100), int), "holds int64"),
]
BAD += [(["generate", "--z", f"{{latents}}/{i}.npy"], message) for i, (_, message) in enumerate(BAD_LATENTS)]


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory, folder):
    """What came of each command line of `BAD`."""
    here = tmp_path_factory.mktemp("mistakes")
    (here / "empty").mkdir()
    for i, (array, _) in enumerate(BAD_LATENTS):
        np.save(here / f"{i}.npy", array)
    return [run_here(*(a.format(folder=folder, empty=here / "empty", latents=here) for a in arguments), cwd=here) for arguments, _ in BAD]


@pytest.mark.parametrize("number", range(len(BAD)), ids=[f"{a[0]} {m[:20]}" for a, m in BAD])
def test_a_users_mistake_gets_a_message_and_no_traceback(mistakes, number):
    done, message = mistakes[number], BAD[number][1]
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr


def test_help_shows_defaults(cli):
    for command in ("generate", "invert"):
        text = " ".join(cli(command, "--help").stdout.split())
        assert "--seed" in text and "(default: 0)" in text


def test_the_golden_loads_with_five_lines(generator):
    import tf_wavegan_inv as twi

    inverter = twi.load_inverter(twi.defaults.INVERTER)
    audio = twi.load_audio([next(CLIPS.glob("test/*.flac"))], generator)
    result = twi.invert(audio, generator, method="hybrid", inverter=inverter, max_iterations=2)
    assert result.z.shape == (1, 100) and result.audio.shape == (1, 16384, 1) and load_wavegan(GOLDEN / "a_default").config.dim == 4
