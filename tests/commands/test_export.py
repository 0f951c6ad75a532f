"""`tf-wavegan-inv export`, through the real command line, on the bundled models."""

import json

import numpy as np
import pytest
import tensorflow as tf

import tf_wavegan_inv as twi
from tests.conftest import CLIPS

pytestmark = pytest.mark.smoke


def test_exports_the_bundled_models(cli, tmp_path, generator):
    done = cli("export", "--no-warmup", "--tflite", "float16")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "served"
    assert {p.name for p in folder.iterdir()} == {"1", "models.config", "batching_parameters.txt"}
    assert (folder / "1" / "assets.extra" / "model.tflite").stat().st_size > 1e7 and "custom gradients" not in done.stderr
    record = json.loads((folder / "1" / "assets.extra" / "export.json").read_text())
    assert set(record["models"]) == {"wavegan", "inverter", "classifier"}
    files = sorted(CLIPS.glob("test/*.flac"))[:2]
    inverter = twi.load_inverter(twi.defaults.INVERTER)
    audio = twi.load_audio(files, generator, inverter.recipe.audio)
    found = tf.saved_model.load(str(folder / "1")).signatures["reconstruct"](audio=tf.constant(audio))
    expected = twi.invert(audio, generator, method="inverter", inverter=inverter, classifier=twi.load_classifier(twi.defaults.CLASSIFIER))
    np.testing.assert_allclose(found["z"], expected.z, atol=1e-4)
    np.testing.assert_allclose(found["audio"], expected.audio, atol=1e-4)
    done = cli("export", "--version", 1)
    assert done.returncode == 2 and "never overwritten" in done.stderr and "Traceback" not in done.stderr
