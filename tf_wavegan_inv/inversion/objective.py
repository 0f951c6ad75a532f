"""What inversion by optimisation minimises: a weighted sum of distances between a clip and its reconstruction, one value a clip."""

from keras import ops

from tf_wavegan_inv.audio.spectrogram import magnitude, stft
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.losses import range_penalty
from tf_wavegan_inv.models.classifier import BLOCK_LAYERS, feature_extractor

PAPER_STFT = (256, 128)  # frame length and step, samples
LOG_STFTS = ((256, 64), (512, 128), (1024, 256))
LOG_FLOOR = 1e-2  # of the magnitude, for frames of 256 samples


def difference(target, value, power=1, relative=False):
    """Mean of |target - value|^power over all but the first axis: [batch, ...] -> [batch].

    With `relative` divided by the same measure of the target alone, so that silence scores 1.
    """
    axes = tuple(range(1, len(target.shape)))
    distance = ops.mean(ops.abs(target - value) ** power, axis=axes)
    return distance / (ops.mean(ops.abs(target) ** power, axis=axes) + 1e-8) if relative else distance


def real_stft(audio):
    """The paper's spectrogram, as its code computes it: the real part of the STFT 256/128, [batch, channels, frames, bins]."""
    return stft(_channels_first(audio), *PAPER_STFT)[0]


def magnitudes(audio):
    """STFT magnitudes at three resolutions: list of [batch, channels, frames, bins]."""
    return [magnitude(stft(_channels_first(audio), *size), _floor(size)) for size in LOG_STFTS]


def log_stft_distance(targets, values):
    """Multi-resolution STFT loss (Yamamoto, Song & Kim, "Parallel WaveGAN", 2020, section 2.2): spectral convergence plus the mean absolute
    difference of log magnitudes, the mean over resolutions. Lists of [batch, channels, frames, bins] -> [batch].
    """
    total = 0.0
    for target, value in zip(targets, values, strict=True):
        axes = (1, 2, 3)
        error = ops.sqrt(ops.sum((target - value) ** 2, axis=axes) + 1e-12)
        total = (
            total
            + error / (ops.sqrt(ops.sum(target**2, axis=axes)) + 1e-8)
            + ops.mean(ops.abs(ops.log(target) - ops.log(value)), axis=axes)
        )
    return total / len(targets)


def _channels_first(audio):
    return ops.transpose(audio, (0, 2, 1))


def _floor(size):
    return LOG_FLOOR * size[0] / 256


class Objective:
    """The objective of an `InversionConfig`, for one generator.

    Args:
        generator: keras.Model, z -> audio.
        config: `InversionConfig`; its weights say which terms there are.
        classifier: needed where the term `perceptual` has a weight.

    Raises:
        UserError: if no term has a weight, or the classifier is missing.
    """

    def __init__(self, generator, config, classifier=None):
        self.generator, self.config = generator, config
        if not config.has_objective:
            raise UserError("The recipe's [inversion] gives no weight to any of waveform, stft, log_stft, perceptual: nothing to minimise.")
        if config.perceptual and classifier is None:
            raise UserError("The recipe's [inversion] compares the features of a classifier: give one (classifier=..., --classifier PATH).")
        self.extractor = feature_extractor(classifier, config.perceptual_layers or BLOCK_LAYERS) if config.perceptual else None

    def describe(self, audio):
        """What is compared: audio [batch, samples, channels] -> dict of term to tensors [batch, ...]."""
        described = {}
        if self.config.waveform:
            described["waveform"] = [audio]
        if self.config.stft:
            described["stft"] = [real_stft(audio)]
        if self.config.log_stft:
            described["log_stft"] = magnitudes(audio)
        if self.config.perceptual:
            described["perceptual"] = self.extractor(audio, training=False)[0]
        return described

    def __call__(self, z, target):
        """Objective of z [batch, latent_dim] for clips described by `target`: [batch]."""
        described = self.describe(self.generator(z, training=False))
        total = self.config.range * range_penalty(z)
        for term, values in described.items():
            if term == "log_stft":
                distance = log_stft_distance(target[term], values)
            else:
                distance = sum(difference(t, v, self.config.power, self.config.relative) for t, v in zip(target[term], values, strict=True))
                distance = distance / len(values)
            total = total + getattr(self.config, term) * distance
        return total
