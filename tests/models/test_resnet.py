import keras
import numpy as np

from tf_wavegan_inv.config import SpectrogramConfig
from tf_wavegan_inv.models.classifier import build_classifier, feature_extractor
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.models.resnet import BLOCK_LAYERS, resnet18


def test_has_the_published_number_of_weights():
    picture = keras.Input((128, 129, 3))
    model = keras.Model(picture, keras.layers.Dense(1000)(resnet18(picture)))
    # torchvision's 11,689,512; here convolutions have biases, and batch norm counts its moving statistics.
    norms = sum(2 * layer.gamma.shape[0] for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    biases = sum(layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert model.count_params() - norms - biases == 11_689_512


def test_eight_residual_blocks_halve_the_picture_three_times():
    picture = keras.Input((128, 129, 1))
    model = keras.Model(picture, resnet18(picture, width=8))
    shapes = [tuple(model.get_layer(name).output.shape[1:]) for name in BLOCK_LAYERS]
    assert shapes == [(32, 33, 8)] * 2 + [(16, 17, 16)] * 2 + [(8, 9, 32)] * 2 + [(4, 5, 64)] * 2


def test_classifier_and_inverter_on_raw_audio(real_clips):
    audio = real_clips.float_audio(0, 3)
    probabilities = build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4).predict(audio, verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert build_inverter(16384, 1, latent_dim=100, spectrogram=SpectrogramConfig(kind="real", copies=3), width=4).predict(
        audio, verbose=0
    ).shape == (3, 100)


def test_features_are_those_of_one_frozen_pass(real_clips):
    audio = real_clips.float_audio(0, 2)
    classifier = build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4)
    before = [np.array(w) for w in classifier.weights]
    features, probabilities = feature_extractor(classifier)(audio, training=True)
    assert len(features) == len(BLOCK_LAYERS)
    np.testing.assert_allclose(probabilities, classifier(audio, training=False), atol=1e-6)
    for a, b in zip(before, classifier.weights, strict=True):  # the moving statistics of batch norm among them
        np.testing.assert_array_equal(a, b)
