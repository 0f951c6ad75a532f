"""The spoken-digit classifier behind WaveGAN's published Inception Scores, from its official checkpoint."""

import keras
import numpy as np
from keras import ops

from tf_wavegan_inv.audio.spectrogram import magnitude, stft
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.wavegan.sources import open_source

LENGTH, RATE = 16384, 16000
FRAME_LENGTH, FRAME_STEP = 1024, 128
MEL_BINS, LOWEST, HIGHEST = 128, 40.0, 7800.0  # Hz
SCOPE = "classifier"


def load_inception(path):
    """Load the official Inception classifier (`eval/inception`, "best_acc-103005" in the official repository), frozen.

    Args:
        path: checkpoint prefix, or a folder that holds it.

    Returns:
        keras.Model: audio [batch, 16384, 1] at 16 kHz, in [-1, 1] -> probabilities [batch, 10], zero to nine. Its layer "log_mel" has the
        features [batch, 128, 128].

    Raises:
        UserError: if there is no checkpoint, or its variables are not the classifier's.
    """
    source = open_source(path)
    model = build_inception()
    for name, variable in inception_variables(model).items():
        found = source.shapes.get(name)
        if found is None or tuple(found) != tuple(variable.shape):
            raise UserError(
                f"{source.path} is not WaveGAN's Inception classifier: variable {name} of shape {tuple(variable.shape)} is needed, "
                f"{'there is none' if found is None else f'it has {tuple(found)}'} (found {sorted(source.shapes)[:5]})."
            )
        variable.assign(source.read(name))
    model.trainable = False
    return model


def build_inception():
    """The classifier's architecture, untrained."""
    audio = keras.Input((LENGTH, 1), name="audio")
    x = LogMel(name="log_mel")(audio)
    x = _norm(0)(x)[..., None]
    for i in range(4):
        x = _norm(i)(x) if i else x
        x = keras.layers.Conv2D(128, 5, padding="same", activation="relu", name=_numbered("conv2d", i))(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = _norm(4)(keras.layers.Flatten()(x))
    return keras.Model(audio, keras.layers.Dense(10, activation="softmax", name="dense")(x), name="inception")


def inception_variables(model):
    """Keras variables by official name."""
    named = {}
    for i in range(5):
        norm = model.get_layer(_numbered("batch_normalization", i))
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            named[f"{SCOPE}/{norm.name}/{part}"] = getattr(norm, part)
    for name in (*(_numbered("conv2d", i) for i in range(4)), "dense"):
        layer = model.get_layer(name)
        named |= {f"{SCOPE}/{name}/kernel": layer.kernel, f"{SCOPE}/{name}/bias": layer.bias}
    return named


class LogMel(keras.layers.Layer):
    """log(mel spectrogram + 1e-6): [batch, 16384, 1] -> [batch, 128 frames, 128 bins]."""

    def call(self, audio):
        spectrum = magnitude(stft(audio[..., 0], FRAME_LENGTH, FRAME_STEP), 0.0)
        return ops.log(ops.matmul(spectrum, ops.convert_to_tensor(mel_matrix())) + 1e-6)


def mel_matrix():
    """Triangular HTK-mel filters, not normalised: float32 [513, 128]; the row of 0 Hz is zero (`tf.signal.linear_to_mel_weight_matrix`)."""

    def mel(hertz):
        return 1127.0 * np.log1p(hertz / 700.0)

    edges = np.linspace(mel(LOWEST), mel(HIGHEST), MEL_BINS + 2)
    bins = mel(np.linspace(0, RATE / 2, FRAME_LENGTH // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    return filters.astype(np.float32)


def _norm(index):
    return keras.layers.BatchNormalization(epsilon=1e-3, name=_numbered("batch_normalization", index))


def _numbered(name, index):
    return f"{name}_{index}" if index else name
