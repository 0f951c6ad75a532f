"""The spoken-digit classifier, and the features its perceptual loss compares."""

import dataclasses

import keras

from tf_wavegan_inv.audio.labels import DIGITS
from tf_wavegan_inv.audio.spectrogram import Spectrogram
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.models.resnet import BLOCK_LAYERS, STEM_LAYERS, resnet18
from tf_wavegan_inv.precision import full_precision

FEATURE_LAYERS = ("spectrogram", *STEM_LAYERS, *BLOCK_LAYERS)


def build_classifier(length, channels, *, spectrogram, width=64, synchronized=False):
    """A ResNet-18 digit classifier on raw audio.

    Args:
        length: samples a clip.
        channels: audio channels.
        spectrogram: `SpectrogramConfig`.
        width: of the ResNet.
        synchronized: see `resnet18`.

    Returns:
        keras.Model: audio [batch, length, channels] in [-1, 1] -> probabilities [batch, 10], zero to nine. Its layer "logits"
        has the logits.
    """
    audio = keras.Input((length, channels), dtype=full_precision(), name="audio")
    picture = Spectrogram(**dataclasses.asdict(spectrogram), name="spectrogram")(audio)
    x = resnet18(picture, width, synchronized)
    logits = keras.layers.Dense(len(DIGITS), name="logits", dtype=full_precision())(x)
    return keras.Model(audio, keras.layers.Softmax(name="probabilities", dtype=full_precision())(logits), name="classifier")


def logits_of(classifier):
    """The classifier up to its logits: audio -> [batch, 10]. Shares its weights."""
    return keras.Model(classifier.input, classifier.get_layer("logits").output, name="logits")


def feature_extractor(classifier, layer_names=BLOCK_LAYERS):
    """The classifier's intermediate activations and its probabilities, from one forward pass.

    Args:
        classifier: made by `build_classifier`.
        layer_names: names out of `FEATURE_LAYERS`.

    Returns:
        keras.Model: audio [batch, length, channels] -> (list of [batch, height, width, channels], probabilities [batch, 10]).
        Frozen, and with it the classifier: batch norm uses its moving statistics.

    Raises:
        UserError: if a name is unknown.
    """
    unknown = [name for name in layer_names if name not in FEATURE_LAYERS]
    if unknown:
        raise UserError(f"Unknown perceptual layers {unknown}; choose from {FEATURE_LAYERS}.")
    classifier.trainable = False
    features = [classifier.get_layer(name).output for name in layer_names]
    extractor = keras.Model(classifier.input, (features, classifier.output), name="features")
    extractor.trainable = False
    return extractor
