"""What is written for TensorBoard, read back."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from tf_wavegan_inv.evaluation.tensorboard import PROFILE_AFTER, SPRITE, Profile, write_latents, write_options


def test_options_are_read_back(tmp_path):
    write_options(tmp_path, {"rate": 0.1, "steps": 3, "kind": "log", "fast": True, "layers": [1, 2]})
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    content = events.PluginTagToContent("hparams")
    session = plugin_data_pb2.HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info.hparams
    assert session["rate"].number_value == 0.1 and session["kind"].string_value == "log" and session["layers"].string_value == "[1, 2]"


def test_latents_go_with_their_columns_and_pictures(tmp_path):
    z = np.random.default_rng(0).normal(size=(5, 7))
    audio = np.zeros((5, 4000, 1))
    audio[3] = np.random.default_rng(1).normal(size=(4000, 1))
    write_latents(tmp_path, z, columns={"clip": list("abcde"), "label": [1, 2, 3, 4, ""]}, audio=audio)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "z.tsv", delimiter="\t"), z, rtol=1e-5)
    assert (tmp_path / "clips.tsv").read_text().splitlines()[:2] == ["clip\tlabel", "a\t1"]
    sheet = tf.io.decode_png((tmp_path / "clips.png").read_bytes()).numpy()
    assert sheet.shape == (3 * SPRITE, 3 * SPRITE, 3)
    loud = [sheet[SPRITE * r : SPRITE * (r + 1), SPRITE * c : SPRITE * (c + 1)].mean() for r in range(3) for c in range(3)]
    assert np.argmax(loud) == 3
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "z.tsv"' in config and f"single_image_dim: {SPRITE}" in config


@pytest.mark.parametrize("steps", [PROFILE_AFTER + 5, PROFILE_AFTER + 2])
def test_profile_of_some_steps(tmp_path, steps):
    """Also where training ends before they are done."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((np.zeros((4, 2)), np.zeros((4, 1)))).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, callbacks=[Profile(tmp_path, 3)])
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 1
