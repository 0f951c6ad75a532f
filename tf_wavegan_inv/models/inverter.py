"""The inverse mapping network: audio -> z."""

import dataclasses

import keras

from tf_wavegan_inv.audio.spectrogram import Spectrogram
from tf_wavegan_inv.models.resnet import resnet18
from tf_wavegan_inv.precision import full_precision


def build_inverter(length, channels, *, latent_dim, spectrogram, width=64, synchronized=False):
    """A ResNet-18 that predicts z (paper, section 3.2: the last activation removed, as many outputs as z has numbers).

    Args:
        length: samples a clip.
        channels: audio channels.
        latent_dim: size of z.
        spectrogram: `SpectrogramConfig`.
        width: of the ResNet; 64 is the paper's.
        synchronized: see `resnet18`.

    Returns:
        keras.Model: audio [batch, length, channels] in [-1, 1] -> z [batch, latent_dim], not bounded.
    """
    audio = keras.Input((length, channels), dtype=full_precision(), name="audio")
    picture = Spectrogram(**dataclasses.asdict(spectrogram), name="spectrogram")(audio)
    z = keras.layers.Dense(latent_dim, name="z", dtype=full_precision())(resnet18(picture, width, synchronized))
    return keras.Model(audio, z, name="inverter")
