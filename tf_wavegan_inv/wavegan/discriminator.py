"""The WaveGAN discriminator as a Keras model."""

import dataclasses

import keras
from keras import ops

from tf_wavegan_inv.precision import full_precision
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.layers import BatchStatisticsNormalization, DownsampleConv1D, phase_shuffle

SHUFFLED_LAYERS = 4  # whatever the length


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class Discriminator(keras.Model):
    """WaveGAN's discriminator: audio [batch, slice_len, channels] -> logit [batch].

    Donahue, McAuley & Puckette, "Adversarial Audio Synthesis" (2018), appendix D; official code `wavegan.py`, `WaveGANDiscriminator`.

    Args:
        config: a `WaveGANConfig`; the keyword arguments of one also do. Its channels are those of the audio: 1 where the generator has a
            post-processing filter.
        phase_shuffle: largest shift in steps, 0 for none.
    """

    def __init__(self, config=None, phase_shuffle=2, name="D", **fields):
        super().__init__(name=name)
        self.config = config = config or WaveGANConfig(**fields)
        self.phase_shuffle = phase_shuffle
        filters = [config.dim * 2**i for i in range(len(config.strides))]
        self.downconvs = [
            DownsampleConv1D(width, config.kernel_len, stride, name=f"downconv_{i}")
            for i, (width, stride) in enumerate(zip(filters, config.strides, strict=True))
        ]
        # The first layer has none.
        self.norms = [BatchStatisticsNormalization(name=f"norm_{i}") for i in range(1, len(filters))] if config.batch_norm else []
        self.dense = keras.layers.Dense(1, name="output", dtype=full_precision())
        self.build((None, config.slice_len, config.audio_channels))

    def build(self, input_shape):
        steps, channels = input_shape[1:]
        for i, layer in enumerate(self.downconvs):
            layer.build((None, steps, channels))
            steps, channels = steps // layer.stride, layer.filters
            if self.norms and i:
                self.norms[i - 1].build((None, steps, channels))
        self.dense.build((None, steps * channels))
        self.built = True

    def call(self, audio, shifts=None):
        """shifts: int [4], the phase shuffle of each of the first four layers in -phase_shuffle..phase_shuffle; None for no shuffling."""
        x = ops.cast(audio, self.compute_dtype)
        for i, layer in enumerate(self.downconvs):
            x = layer(x)
            x = self.norms[i - 1](x) if self.norms and i else x
            x = ops.leaky_relu(x, 0.2)
            if shifts is not None and i < SHUFFLED_LAYERS:
                x = phase_shuffle(x, shifts[i], self.phase_shuffle)
        return self.dense(ops.reshape(x, (-1, x.shape[1] * x.shape[2])))[:, 0]

    def get_config(self):
        return {"name": self.name, "phase_shuffle": self.phase_shuffle} | dataclasses.asdict(self.config)
