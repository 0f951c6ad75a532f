"""Training losses: pure functions of tensors, one value a clip."""

import math

from keras import ops

from tf_wavegan_inv.precision import in_full_precision

QUIET = 1e-3  # mean square of full scale 1: a tenth of what a spoken digit of peak 1 has


def latent_loss(z, recovered):
    """Mean squared error of z (paper, section 3.2.1): [batch, latent_dim] twice -> [batch]."""
    return ops.mean((z - recovered) ** 2, axis=-1)


def waveform_loss(audio, recovered):
    """Squared error of the waveform, divided by the clip's power: [batch, samples, channels] twice -> [batch]; silence scores 1.

    A clip quieter than `QUIET` counts by its error over `QUIET`: a WaveGAN makes a nearly silent one now and then, and divided by its own
    power its error would outweigh all others.
    """
    return ops.mean((audio - recovered) ** 2, axis=(1, 2)) / ops.maximum(ops.mean(audio**2, axis=(1, 2)), QUIET)


def perceptual_loss(target_features, features, relative=False):
    """Mean over layers of the mean squared difference of a classifier's activations (paper, section 3.2.1).

    Args:
        target_features: list of [batch, ...].
        features: the same of the reconstruction.
        relative: divide each layer's by the target's mean square, clip by clip, so that every layer counts alike whatever its scale.

    Returns:
        [batch].
    """
    total = 0.0
    for target, feature in zip(target_features, features, strict=True):
        axes = tuple(range(1, len(target.shape)))
        target, feature = in_full_precision(target), in_full_precision(feature)
        difference = ops.mean((target - feature) ** 2, axis=axes)
        if relative:
            difference = difference / (ops.mean(target**2, axis=axes) + 1e-8)
        total = total + difference
    return total / len(target_features)


def cross_entropy(labels, logits):
    """Softmax cross-entropy: labels int [batch], logits [batch, classes] -> [batch]."""
    chosen = ops.sum(ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)
    return ops.logsumexp(logits, axis=-1) - chosen


def range_penalty(z):
    """Mean squared distance of z from the generator's prior cube [-1, 1]: [batch, latent_dim] -> [batch]."""
    return ops.mean(ops.relu(ops.abs(z) - 1.0) ** 2, axis=-1)


def prior_distance(z, directions):
    """How far a batch of z is from samples of the uniform distribution on [-1, 1]: a scalar, 0 where they are spread as evenly as can be.

    A sliced Wasserstein distance (Kolouri et al., "Sliced Wasserstein auto-encoders", 2018). Sorted coordinates are compared with the
    quantiles of the uniform distribution; sorted projections on random directions with the quantiles of the normal distribution of
    variance 1/3, which a sum of many such coordinates has.

    Args:
        z: [batch, latent_dim].
        directions: [latent_dim, directions], columns of norm 1.
    """
    count = ops.cast(ops.shape(z)[0], z.dtype)
    level = (2 * ops.arange(1, ops.shape(z)[0] + 1, dtype=z.dtype) - 1) / count - 1  # in the middle of each part of [-1, 1]
    normal = ops.erfinv(level) * math.sqrt(2 / 3)
    coordinates = ops.sort(z, axis=0) - level[:, None]
    projections = ops.sort(ops.matmul(z, directions), axis=0) - normal[:, None]
    return ops.mean(coordinates**2) + ops.mean(projections**2)
