"""The WaveGAN generator as a Keras model."""

import dataclasses
import pathlib
import typing

import keras

from tf_wavegan_inv.latent import LatentSpace
from tf_wavegan_inv.models.generator import Identity, identity_of
from tf_wavegan_inv.precision import full_precision, in_full_precision
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.layers import FrozenUpsampleConv1D, PostProcessingFilter, UpsampleConv1D
from tf_wavegan_inv.wavegan.tangents import audio_and_tangents

Tensor = typing.Any


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class Generator(keras.Model):
    """WaveGAN's generator: z [batch, latent_dim] in [-1, 1] -> audio [batch, slice_len, channels], float32.

    Donahue, McAuley & Puckette, "Adversarial Audio Synthesis" (2018), appendix D; official code `wavegan.py`, `WaveGANGenerator`.
    The audio lies in [-1, 1] unless a post-processing filter follows the tanh.

    Args:
        config: a `WaveGANConfig`; the keyword arguments of one also do.
        frozen: not trainable, and faster for that (`FrozenUpsampleConv1D`); for weights that are loaded.

    Example:
        >>> generator = Generator(WaveGANConfig(dim=4))
        >>> generator(keras.random.uniform((2, 100), -1, 1)).shape
        TensorShape([2, 16384, 1])
    """

    def __init__(self, config=None, frozen=False, name="G", **fields):
        config = config or WaveGANConfig(**fields)
        z_project = keras.layers.Dense(config.projected_len * config.projected_channels, name="z_project")
        upconvs = [_upconv(config, i, frozen) for i in range(len(config.strides))]
        norms = [_norm(i) for i in range(len(upconvs))] if config.batch_norm else []
        pp_filt = PostProcessingFilter(config.pp_len, name="pp_filt", dtype=full_precision()) if config.pp_len else None

        z = keras.Input((config.latent_dim,), dtype=full_precision(), name="z")
        x = keras.layers.Reshape((config.projected_len, config.projected_channels))(z_project(z))
        for i, layers in enumerate(upconvs):
            x = norms[i](x) if norms else x
            x = keras.ops.relu(x)
            for layer in layers:
                x = layer(x)
        x = keras.ops.tanh(in_full_precision(x))
        super().__init__(inputs=z, outputs=pp_filt(x) if pp_filt else x, name=name)

        self.config, self.frozen = config, frozen
        self.sample_rate: int | None = None
        self.file: pathlib.Path | None = None
        self.trainable = not frozen
        self.z_project, self.norms, self.pp_filt = z_project, norms, pp_filt
        self.upconvs = [layers[-1] for layers in upconvs]

    @property
    def latent(self) -> LatentSpace:
        """See `models.generator.GeneratorModel`, as of all below."""
        return LatentSpace(self.config.latent_dim)

    @property
    def clip_shape(self) -> tuple[int, int]:
        return tuple(self.output_shape[1:])

    def jacobian(self, z: Tensor) -> tuple[Tensor, Tensor]:
        directions = keras.ops.eye(self.config.latent_dim, dtype=z.dtype)
        audio, tangents = audio_and_tangents(self, z, directions)
        samples = audio.shape[1] * audio.shape[2]
        audio = keras.ops.reshape(audio, (-1, samples))
        return audio, keras.ops.reshape(tangents, (-1, self.config.latent_dim, samples))

    def identity(self) -> Identity:
        return identity_of(self, "wavegan", self.file)

    def trainable_copy(self) -> "Generator":
        from tf_wavegan_inv.wavegan.checkpoint import copy_generator

        return copy_generator(self)

    def get_config(self):
        return {"name": self.name, "frozen": self.frozen} | dataclasses.asdict(self.config)


def _upconv(config, index, frozen):
    """The layers of upconv_<index>; the last one has the weights."""
    name, filters, stride = f"upconv_{index}", config.filters[index], config.strides[index]
    if config.upsample == "zeros":
        layer = FrozenUpsampleConv1D if frozen else UpsampleConv1D
        return [layer(filters, config.kernel_len, stride, name=name)]
    return [keras.layers.UpSampling1D(stride), keras.layers.Conv1D(filters, config.kernel_len, padding="same", name=name)]


def _norm(index):
    """Batch norm of z_project (index 0) or of upconv_<index - 1>."""
    return keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"norm_{index}")
