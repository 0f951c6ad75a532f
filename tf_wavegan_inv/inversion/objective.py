"""What inversion by optimisation minimises: a weighted sum of the distances in `TERMS`."""

import dataclasses
import typing

import keras

from tf_wavegan_inv.config import InversionConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.losses import (
    Tensor,
    log_stft_distance,
    mean_difference,
    range_penalty,
    real_stft,
    stft_magnitudes,
)
from tf_wavegan_inv.models.classifier import BLOCK_LAYERS, feature_extractor

Features = typing.Callable[[Tensor], list[Tensor]]


@dataclasses.dataclass(frozen=True)
class Term:
    """A distance between a clip and its reconstruction.

    Attributes:
        describe: function of (audio float [batch, samples, channels], function audio -> features of
            the classifier) -> list of tensors [batch, ...] to compare.
        distance: function of two such lists and of an `InversionConfig` -> float [batch].
    """

    describe: typing.Callable[[Tensor, Features], list[Tensor]]
    distance: typing.Callable[[list[Tensor], list[Tensor], InversionConfig], Tensor]


def _differences(targets: list[Tensor], values: list[Tensor], config: InversionConfig) -> Tensor:
    return mean_difference(targets, values, power=config.power, relative=config.relative)


# The weight of a term is the field of `InversionConfig` that has its name.
TERMS = {
    "waveform": Term(lambda audio, _: [audio], _differences),
    "stft": Term(lambda audio, _: [real_stft(audio)], _differences),
    "log_stft": Term(
        lambda audio, _: stft_magnitudes(audio),
        lambda targets, values, _: log_stft_distance(targets, values),
    ),
    "perceptual": Term(lambda audio, features: features(audio), _differences),
}


class Objective:
    """The objective of an `InversionConfig`, for one generator.

    Args:
        generator: keras.Model. z [batch, latent_dim] -> audio [batch, samples, channels].
        config: `InversionConfig`. Weights of the terms; one of weight 0 is left out.
        classifier: keras.Model or None. Required if `perceptual` has a weight. Default None.

    Raises:
        UserError: if no term has a weight, or the classifier is missing.
    """

    def __init__(
        self,
        generator: keras.Model,
        config: InversionConfig,
        *,
        classifier: keras.Model | None = None,
    ):
        self.generator = generator
        self.config = config
        self.terms = {name: term for name, term in TERMS.items() if getattr(config, name)}
        if not self.terms:
            raise UserError(f"The recipe's [inversion] gives no weight to any of {', '.join(TERMS)}: nothing to minimise.")
        if config.perceptual and classifier is None:
            raise UserError("The recipe's [inversion] compares the features of a classifier: give one (classifier=..., --classifier PATH).")
        layers = config.perceptual_layers or BLOCK_LAYERS
        self._extractor: keras.Model = feature_extractor(classifier, layers) if config.perceptual else None

    def describe(self, audio: Tensor) -> dict[str, list[Tensor]]:
        """What is compared: audio [batch, samples, channels] -> term to tensors [batch, ...]."""
        return {name: term.describe(audio, self._features) for name, term in self.terms.items()}

    def __call__(self, z: Tensor, target: dict[str, list[Tensor]]) -> Tensor:
        """Objective of z [batch, latent_dim] for clips described by `target`: float [batch]."""
        described = self.describe(self.generator(z, training=False))
        total = self.config.range * range_penalty(z)
        for name, term in self.terms.items():
            distance = term.distance(target[name], described[name], self.config)
            total = total + getattr(self.config, name) * distance
        return total

    def _features(self, audio: Tensor) -> list[Tensor]:
        return self._extractor(audio, training=False)[0]
