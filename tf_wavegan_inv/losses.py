"""Every distance between a clip and its reconstruction, once: for training and for inversion.

All are pure functions of tensors. All but `prior_distance` return one value for each clip.
"""

import math
import typing

from keras import ops

from tf_wavegan_inv.audio.spectrogram import magnitude, stft
from tf_wavegan_inv.precision import in_full_precision

Tensor = typing.Any  # of TensorFlow or NumPy

QUIET = 1e-3  # mean square of full scale 1: a tenth of what a spoken digit of peak 1 has
SMALLEST = 1e-8  # added to divisors, which are 0 for silence
REAL_STFT = (256, 128)  # the paper's frame length and step, samples
LOG_STFTS = ((256, 64), (512, 128), (1024, 256))  # the same of the multi-resolution distance
LOG_FLOOR = 1e-2  # of the magnitude, for frames of 256 samples


def mean_power(values: Tensor, *, power: int = 2) -> Tensor:
    """Mean of |values|^power over all but the first axis: [batch, ...] -> [batch]."""
    size = ops.abs(values)
    return ops.mean(size if power == 1 else size**power, axis=_all_but_first(values))


def squared_error(target: Tensor, value: Tensor) -> Tensor:
    """Sum of squared differences over all but the first axis: [batch, ...] twice -> [batch]."""
    return ops.sum((value - target) ** 2, axis=_all_but_first(target))


def difference(target: Tensor, value: Tensor, *, power: int = 1, relative: bool = False) -> Tensor:
    """Mean of |target - value|^power over all but the first axis.

    Args:
        target: float [batch, ...]. Original.
        value: float [batch, ...]. Reconstruction.
        power: int. Exponent of the differences: 1 for absolute, 2 for squared. Default 1.
        relative: bool. Whether to divide by the same measure of the target alone, so that silence
            scores 1. Default False.

    Returns:
        float [batch].
    """
    distance = mean_power(target - value, power=power)
    return distance / (mean_power(target, power=power) + SMALLEST) if relative else distance


def mean_difference(targets: list[Tensor], values: list[Tensor], *, power: int = 1, relative: bool = False) -> Tensor:
    """Mean of `difference` over pairs: lists of [batch, ...] -> [batch], in full precision."""
    total = 0.0
    for target, value in zip(targets, values, strict=True):
        pair = in_full_precision(target), in_full_precision(value)
        total = total + difference(*pair, power=power, relative=relative)
    return total / len(targets)


def latent_loss(z: Tensor, recovered: Tensor) -> Tensor:
    """Mean squared error of z (paper, section 3.2.1): [batch, latent_dim] twice -> [batch]."""
    return difference(z, recovered, power=2)


def waveform_loss(audio: Tensor, recovered: Tensor) -> Tensor:
    """Squared error of the waveform, divided by the clip's power; silence scores 1.

    A clip quieter than `QUIET` counts by its error over `QUIET`: a WaveGAN makes a nearly silent one
    now and then, and divided by its own power its error would outweigh all others.

    Args:
        audio: float [batch, samples, channels]. Original.
        recovered: float [batch, samples, channels]. Reconstruction.

    Returns:
        float [batch].
    """
    return difference(audio, recovered, power=2) / ops.maximum(mean_power(audio), QUIET)


def perceptual_loss(target_features: list[Tensor], features: list[Tensor], *, relative: bool = False) -> Tensor:
    """Mean squared difference of a classifier's activations, the mean over layers (paper, 3.2.1).

    Args:
        target_features: list of float [batch, ...]. Activations of the original, one a layer.
        features: list of float [batch, ...]. Activations of the reconstruction.
        relative: bool. Whether each layer's difference is divided by the target's mean square, clip
            by clip, so that every layer counts alike whatever its scale. Default False.

    Returns:
        float [batch].
    """
    return mean_difference(target_features, features, power=2, relative=relative)


def real_stft(audio: Tensor) -> Tensor:
    """The paper's spectrogram, as its code computes it: the real part of the STFT.

    float [batch, samples, channels] -> [batch, channels, frames, bins].
    """
    return stft(_channels_first(audio), *REAL_STFT)[0]


def stft_magnitudes(audio: Tensor) -> list[Tensor]:
    """STFT magnitudes at the resolutions of `LOG_STFTS`, not below a floor.

    float [batch, samples, channels] -> list of [batch, channels, frames, bins].
    """
    floors = [LOG_FLOOR * frame_length / LOG_STFTS[0][0] for frame_length, _ in LOG_STFTS]
    parts = [stft(_channels_first(audio), *size) for size in LOG_STFTS]
    return [magnitude(part, floor) for part, floor in zip(parts, floors, strict=True)]


def log_stft_distance(targets: list[Tensor], values: list[Tensor]) -> Tensor:
    """Multi-resolution STFT loss: spectral convergence plus mean absolute log difference.

    Yamamoto, Song & Kim, "Parallel WaveGAN" (2020), section 2.2; the mean over resolutions.

    Args:
        targets: list of float [batch, channels, frames, bins]. `stft_magnitudes` of the original.
        values: list of float [batch, channels, frames, bins]. Those of the reconstruction.

    Returns:
        float [batch].
    """
    total = 0.0
    for target, value in zip(targets, values, strict=True):
        axes = _all_but_first(target)
        error = ops.sqrt(ops.sum((target - value) ** 2, axis=axes) + 1e-12)
        convergence = error / (ops.sqrt(ops.sum(target**2, axis=axes)) + SMALLEST)
        total = total + convergence + mean_power(ops.log(target) - ops.log(value), power=1)
    return total / len(targets)


def cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Softmax cross-entropy: labels int [batch], logits [batch, classes] -> [batch]."""
    one_hot = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return ops.logsumexp(logits, axis=-1) - ops.sum(one_hot * logits, axis=-1)


def range_penalty(z: Tensor) -> Tensor:
    """Mean squared distance of z from the prior's cube [-1, 1]: [batch, latent_dim] -> [batch]."""
    return ops.mean(ops.relu(ops.abs(z) - 1.0) ** 2, axis=-1)


def prior_distance(z: Tensor, directions: Tensor) -> Tensor:
    """Sliced Wasserstein distance between a batch of z and the uniform prior on [-1, 1].

    Kolouri et al., "Sliced Wasserstein auto-encoders" (2018). Sorted coordinates are compared with
    the quantiles of the uniform distribution. Sorted projections on random directions are compared
    with those of the normal distribution of variance 1/3, which sums of many coordinates approach.

    Args:
        z: float [batch, latent_dim].
        directions: float [latent_dim, directions]. Columns of norm 1.

    Returns:
        float, a scalar: 0 for z that are spread as evenly as possible.
    """
    count = ops.cast(ops.shape(z)[0], z.dtype)
    level = (2 * ops.arange(1, ops.shape(z)[0] + 1, dtype=z.dtype) - 1) / count - 1  # in the middle of each part of [-1, 1]
    normal = ops.erfinv(level) * math.sqrt(2 / 3)
    coordinates = ops.sort(z, axis=0) - level[:, None]
    projections = ops.sort(ops.matmul(z, directions), axis=0) - normal[:, None]
    return ops.mean(coordinates**2) + ops.mean(projections**2)


def _all_but_first(values: Tensor) -> tuple[int, ...]:
    return tuple(range(1, len(values.shape)))


def _channels_first(audio: Tensor) -> Tensor:
    return ops.transpose(audio, (0, 2, 1))
