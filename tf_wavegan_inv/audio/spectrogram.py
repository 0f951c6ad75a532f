"""Spectrograms as Keras layers: differentiable, the same on every Keras backend."""

import dataclasses

import keras
from keras import ops

from tf_wavegan_inv.config import SpectrogramConfig
from tf_wavegan_inv.precision import full_precision

LOG_FLOOR = 1e-2  # magnitude; a full-scale sine has 64 at frame_length 256
LOG_CENTRE, LOG_SCALE = -0.2, 4.4  # puts log(1e-2)..log(64) into [-1, 1]
COMPRESSION = 0.3  # power of the magnitude that real and imaginary parts keep: of a full-scale sine 3.5, of the floor 0.25


def stft(audio, frame_length, frame_step):
    """Short-time Fourier transform, as `tf.signal.stft(..., pad_end=True)` with its periodic Hann window.

    Args:
        audio: float [..., samples].
        frame_length: samples a frame and FFT length.
        frame_step: hop in samples.

    Returns:
        real and imaginary parts, each [..., ceil(samples / frame_step), frame_length // 2 + 1].
    """
    samples = audio.shape[-1]
    frames = -(-samples // frame_step)
    missing = (frames - 1) * frame_step + frame_length - samples
    padded = ops.pad(audio, [[0, 0]] * (len(audio.shape) - 1) + [[0, max(missing, 0)]])
    return ops.stft(padded, frame_length, frame_step, frame_length, window="hann", center=False)


def magnitude(parts, floor):
    """sqrt(re^2 + im^2 + floor^2): smooth at zero, so that its gradient is finite on silence."""
    real, imaginary = parts
    return ops.sqrt(real**2 + imaginary**2 + floor**2)


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class Spectrogram(keras.layers.Layer):
    """Audio [batch, samples, channels] -> [batch, frames, bins, channels * copies], by a `SpectrogramConfig`.

    Of kind "phase" there are three times as many channels.

    Computed in float32 under mixed precision: an FFT has no use for bfloat16.
    """

    def __init__(self, kind, frame_length, frame_step, copies, **kwargs):
        super().__init__(**{"dtype": full_precision()} | kwargs)
        self.config = SpectrogramConfig(kind, frame_length, frame_step, copies)

    def call(self, audio):
        parts = stft(ops.transpose(audio, (0, 2, 1)), self.config.frame_length, self.config.frame_step)
        if self.config.kind == "real":
            picture = parts[0]
        else:
            size = magnitude(parts, LOG_FLOOR)
            picture = (ops.log(size) - LOG_CENTRE) / LOG_SCALE
            if self.config.kind == "phase":
                scale = size ** (COMPRESSION - 1)
                picture = ops.concatenate([picture, parts[0] * scale, parts[1] * scale], axis=1)
        picture = ops.transpose(picture, (0, 2, 3, 1))
        picture = ops.tile(picture, (1, 1, 1, self.config.copies)) if self.config.copies > 1 else picture
        return ops.reshape(picture, (-1, *self.compute_output_shape(audio.shape)[1:]))  # an FFT forgets the sizes, TFLite wants them

    def compute_output_shape(self, input_shape):
        batch, samples, channels = input_shape
        layers = (3 if self.config.kind == "phase" else 1) * self.config.copies
        return (batch, -(-samples // self.config.frame_step), self.config.frame_length // 2 + 1, channels * layers)

    def get_config(self):
        return super().get_config() | dataclasses.asdict(self.config)
