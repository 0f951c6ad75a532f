"""The Beam pipeline on DirectRunner, through the real command line, on real audio."""

import pickle
import shutil

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import tensorflow as tf
from apache_beam.ml.inference.base import KeyedModelHandler

from tests.conftest import CLIPS, GOLDEN, run_here
from tf_wavegan_inv.audio.examples import from_example, to_example
from tf_wavegan_inv.beam.handler import InversionHandler, number_of
from tf_wavegan_inv.beam.pipeline import SCHEMA
from tf_wavegan_inv.errors import UserError

DIRECT = ("--", "--runner=DirectRunner")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Real clips in a folder, one of another rate, and files that cannot be used."""
    root = tmp_path_factory.mktemp("clips")
    good = sorted(CLIPS.glob("test/*.flac"))[:3]
    (root / "deep").mkdir()
    shutil.copy(good[0], root / "first.flac")
    shutil.copy(good[1], root / "deep" / "second.flac")
    audio, _ = soundfile.read(good[2])
    soundfile.write(root / "third.wav", np.stack([audio] * 2, axis=1), 22050)
    soundfile.write(root / "late.wav", np.concatenate([np.zeros(32000), audio]), 16000)
    (root / "text.wav").write_text("no audio")
    (root / "notes.txt").write_text("not looked at")
    return root


def test_files_to_parquet_as_invert_does(cli, command_line, tmp_path, folder):
    done = command_line("beam", "--input", folder, "--output", "out/z", "--method", "hybrid", "--max-iterations", 3, *DIRECT)
    assert done.returncode == 0, done.stderr
    assert "3 clips inverted, 2 skipped: out/z-*.parquet" in done.stdout
    table = pyarrow.parquet.read_table(tmp_path / "out")
    assert table.schema.equals(SCHEMA)
    rows = {row["path"].removeprefix(f"{folder}/"): row for row in table.to_pylist()}
    assert set(rows) == {"first.flac", "deep/second.flac", "third.wav", "late.wav", "text.wav"}
    assert "not readable as audio" in rows["text.wav"]["note"] and "silent in its first" in rows["late.wav"]["note"]
    assert rows["text.wav"]["z"] is None and rows["text.wav"]["status"] == "skipped"
    assert cli("invert", folder, "--max-iterations", 3, "--out", "local").returncode == 0
    for name in ("first.flac", "deep/second.flac", "third.wav"):
        z = np.load(tmp_path / "local" / name.replace(".flac", ".z.npy").replace(".wav", ".z.npy"))
        np.testing.assert_allclose(rows[name]["z"], z, atol=2e-3)
        assert rows[name]["method"] == "hybrid" and rows[name]["status"] == "max_iterations" and 0 <= rows[name]["label_predicted"] <= 9


def test_records_to_records(cli, command_line, tmp_path, folder):
    audio, rate = soundfile.read(folder / "third.wav", always_2d=True)
    with tf.io.TFRecordWriter(str(tmp_path / "clips.tfrecord-00000-of-00001")) as writer:
        writer.write(to_example("three", audio, rate=rate))
        writer.write(to_example("nothing", np.zeros((100, 1)), rate=rate))
        writer.write(b"no Example")
    done = command_line("beam", "--input", "clips.tfrecord*", "--output", "z", "--format", "tfrecord", "--method", "inverter", *DIRECT)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("z-*.tfrecord")
    rows = [tf.train.Example.FromString(r.numpy()).features.feature for r in tf.data.TFRecordDataset(str(path))]
    rows = {row["path"].bytes_list.value[0].decode(): row for row in rows}
    assert set(rows) == {"three", "nothing", "a record"} and "z" not in rows["nothing"]
    assert b"silent" in rows["nothing"]["note"].bytes_list.value[0] and b"not a record" in rows["a record"]["note"].bytes_list.value[0]
    assert cli("invert", folder / "third.wav", "--method", "inverter", "--out", "local").returncode == 0
    np.testing.assert_allclose(rows["three"]["z"].float_list.value, np.load(tmp_path / "local" / "third.z.npy"), atol=1e-3)


def test_a_records_audio_comes_back(tmp_path):
    audio = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    name, found, rate = from_example(to_example("ä/1.wav", audio, rate=8000, label=3, speaker="george", split="test"))
    assert name == "ä/1.wav" and rate == 8000 and found.dtype == np.float32
    np.testing.assert_allclose(found, audio, atol=0.51 / 32767)
    with pytest.raises(UserError, match="must be finite"):
        to_example("nan", np.full((3, 1), np.nan), rate=8000)
    with pytest.raises(UserError, match="not a record of a clip"):
        from_example(tf.train.Example().SerializeToString())


def test_the_handler_travels_and_what_is_random_hangs_on_the_clip_alone():
    """Pickled, as to a worker; a clip's z is the same in any bundle."""
    handler = KeyedModelHandler(InversionHandler("gradient", max_batch_size=4, seed=3, max_iterations=2, wavegan=GOLDEN / "trained"))
    handler = pickle.loads(pickle.dumps(handler))
    model = handler.load_model()
    rng = np.random.default_rng(0)
    clips = [(str(i), rng.uniform(-1, 1, (16384, 1)).astype(np.float32)) for i in range(3)]
    together = dict(handler.run_inference(clips, model))
    alone = dict(handler.run_inference(clips[2:], model))
    np.testing.assert_allclose(together["2"].inference["z"], alone["2"].inference["z"], atol=1e-3)
    assert len({number_of(clip) for _, clip in clips}) == 3 and handler.batch_elements_kwargs()["max_batch_size"] == 4


BAD = [
    (["--input", "nowhere/*.wav", "--output", "z", "--method", "inverter", *DIRECT], "nowhere/*.wav matches no file"),
    (["--input", "notes.txt", "--output", "z", "--method", "inverter", *DIRECT], "No clip could be inverted; z-*.parquet has the reasons"),
    (["--input", "notes.t*", "--output", "y", "--method", "inverter", *DIRECT], "--input notes.t* holds none"),
    (["--input", "notes.txt", "--output", "z", "--method", "inverter", *DIRECT], "z-*.parquet holds results already"),
    (["--input", "notes.txt", "--output", "/proc/nope/z", "--method", "inverter", *DIRECT], "Beam cannot run this pipeline"),
    (["--input", "notes.txt", "--output", "z", "notes.txt"], "'notes.txt' is no option"),
    (["--input", "notes.txt", "--output", "x", "--inverter", "nowhere"], "No inverter at nowhere"),
    (["--input", "notes.txt", "--output", "x", "--method", "inverter", "--", "--runner=Abacus"], "Unexpected pipeline runner: Abacus"),
]


def test_a_users_mistake_gets_a_message(tmp_path):
    (tmp_path / "notes.txt").write_text("no audio")
    for done, (_, message) in zip([run_here("beam", *arguments, cwd=tmp_path) for arguments, _ in BAD], BAD, strict=True):
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 2 and last.startswith("error: ") and message in last and "Traceback" not in done.stderr, done.stderr
