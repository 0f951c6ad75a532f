import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError, defaults, load_audio, load_classifier, load_inverter
from tf_wavegan_inv.config import SpectrogramConfig
from tf_wavegan_inv.metrics.waveform import relative_mse
from tf_wavegan_inv.models.classifier import build_classifier, feature_extractor
from tf_wavegan_inv.models.predictions import ClipClassifier
from tf_wavegan_inv.precision import WHOLE


def test_the_bundled_inverter_reads_its_own_options(generator):
    inverter = load_inverter(defaults.INVERTER)
    assert inverter.recipe.audio.sample_rate == 16000
    assert inverter.options["stage"] == "inverter" and inverter.options["wavegan"]["dim"] == generator.config.dim
    audio = load_audio(sorted(defaults.DATA.glob("test/*.flac"))[:2], generator, inverter.recipe.audio)
    assert inverter.predict(audio, verbose=0).shape == (2, 100)


def test_the_bundled_inverter_knows_something_of_z_and_more_of_the_waveform(generator, latents):
    """As its card says, with room for chance: 64 clips."""
    z = latents(64)
    audio = np.asarray(generator(z))
    recovered = load_inverter(defaults.INVERTER).predict(audio, verbose=0)
    assert np.corrcoef(recovered.ravel(), z.ravel())[0, 1] > 0.18  # the network of the paper, on its published examples: 0.10-0.36
    assert np.median(relative_mse(audio, np.asarray(generator(recovered)))) < 0.055  # there: 0.08-0.72, median 0.17; silence has 1


def test_the_bundled_classifier_hears_unseen_speakers(generator):
    files = sorted(defaults.DATA.glob("test/*.flac"))
    classifier = load_classifier(defaults.CLASSIFIER)
    digits = ClipClassifier(classifier)(load_audio(files, generator, classifier.recipe.audio)).labels
    expected = ["Zero One Two Three Four Five Six Seven Eight Nine".split().index(f.name.split("_")[0]) for f in files]
    assert np.mean(digits == expected) >= 0.7


def test_a_trained_model_computes_in_the_precision_of_now(tmp_path):
    """Whatever it was trained in: inversion needs float32, training by --precision mixed_bfloat16 wants its features as fast."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4)
        model.save(tmp_path / "best.keras")
        shutil.copy(defaults.CLASSIFIER / "config.json", tmp_path)
        halved = load_classifier(tmp_path)
    finally:
        keras.config.set_dtype_policy("float32")
    whole = load_classifier(tmp_path)
    assert {layer.compute_dtype for layer in whole.layers} == {"float32"}
    assert {layer.name for layer in halved.layers if layer.compute_dtype == "float32"} == {layer.name for layer in model.layers} & {*WHOLE}
    audio = np.random.default_rng(0).uniform(-1, 1, (2, 16384, 1)).astype(np.float32)
    first, second = (feature_extractor(m)(audio)[0][0] for m in (halved, whole))
    assert (first.dtype, second.dtype) == (tf.bfloat16, tf.float32)
    np.testing.assert_allclose(tf.cast(first, tf.float32), second, rtol=0.1, atol=0.1)


@pytest.fixture
def bundle(tmp_path):
    shutil.copytree(defaults.CLASSIFIER, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_missing(tmp_path):
    with pytest.raises(UserError, match=r"No inverter at .*nowhere.*no such folder"):
        load_inverter(tmp_path / "nowhere")


def test_the_other_kind(bundle):
    with pytest.raises(UserError, match="is a model of stage 'classifier', one of 'inverter' is needed"):
        load_inverter(bundle)


def test_truncated(bundle):
    data = (bundle / "model.keras").read_bytes()
    (bundle / "model.keras").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="cannot be loaded as a Keras model"):
        load_classifier(bundle)


def test_without_config(bundle):
    (bundle / "config.json").unlink()
    with pytest.raises(UserError, match=r"lacks the config\.json"):
        load_classifier(bundle)


def test_damaged_config(bundle):
    (bundle / "config.json").write_text(json.dumps({"stage": "classifier"}))
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        load_classifier(bundle)
