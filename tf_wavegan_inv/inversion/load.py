"""Loads the models that invert clips, and checks each against the generator."""

import dataclasses
import functools
import pathlib
import typing

import numpy as np

from tf_wavegan_inv import defaults
from tf_wavegan_inv.config import AudioConfig, InversionConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.recipe import load_recipe

if typing.TYPE_CHECKING:  # what starts TensorFlow is imported when it is needed
    import keras

    from tf_wavegan_inv.inversion.invert import Inversion
    from tf_wavegan_inv.models.generator import GeneratorModel
    from tf_wavegan_inv.models.predictions import ClipClassifier

Path = pathlib.Path | str


@dataclasses.dataclass(frozen=True, eq=False)
class Models:
    """The models that invert the clips of a generator by one method.

    Attributes:
        generator: `GeneratorModel`. z [batch, latent_dim] -> audio [batch, samples, channels].
        inverter: keras.Model or None. None if it is not needed.
        classifier: keras.Model or None. None if no path was given and the bundled one takes other audio.
        audio: `AudioConfig`. That of the inverter, else of the classifier, else of the recipe.
        config: `InversionConfig`. That of the requested recipe, else of the one that the inverter or
            classifier was trained with, there without the perceptual term if no classifier is loaded.
        method: str. One of `invert.METHODS`.
    """

    generator: "GeneratorModel"
    inverter: "keras.Model | None"
    classifier: "keras.Model | None"
    audio: AudioConfig
    config: InversionConfig
    method: str = "hybrid"

    @functools.cached_property
    def inversion(self) -> "Inversion":
        """The compiled inversion by the method."""
        from tf_wavegan_inv.inversion.invert import Inversion

        return Inversion(
            self.generator,
            method=self.method,
            inverter=self.inverter,
            classifier=self.classifier,
            config=self.config,
        )

    @functools.cached_property
    def clip_classifier(self) -> "ClipClassifier | None":
        """The classifier's predictions of whole sets of clips; None without a classifier."""
        from tf_wavegan_inv.models.predictions import ClipClassifier

        return ClipClassifier(self.classifier) if self.classifier else None

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and channels of a clip."""
        return self.generator.clip_shape

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.audio.sample_rate

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.shape[0] / self.sample_rate

    @property
    def files(self) -> dict[str, pathlib.Path]:
        """Files whose checksums identify these models, by the kind of model."""
        identity = self.generator.identity()
        found = {identity.kind: identity.file} if identity.file else {}
        trained = {"classifier": self.classifier, "inverter": self.inverter}
        return found | {kind: model.file for kind, model in trained.items() if model}

    def to_own(self, z: np.ndarray) -> np.ndarray:
        """z [..., latent_dim] in the range of the generator's own model."""
        return self.generator.latent.to_own(z)


def load_models(
    *,
    method: str = "hybrid",
    wavegan: Path = defaults.WAVEGAN,
    slice_len: int | None = None,
    generator: Path | None = None,
    latent_dim: int | None = None,
    latent_range: tuple[float, float] | None = None,
    inverter: Path | None = None,
    classifier: Path | None = None,
    recipe: str | Path | None = None,
    needs_inverter: bool | None = None,
) -> Models:
    """Load the models of one method.

    Args:
        method: str. One of `invert.METHODS`. Default "hybrid".
        wavegan: path. Official checkpoint. Default: the bundled one.
        slice_len: int or None. Samples in a clip of the WaveGAN, if its checkpoint does not state
            them. Default None.
        generator: path or None. Any model z -> audio, in place of `wavegan`. Default None.
        latent_dim: int or None. Entries of z of `generator`, if it does not state them. Default None.
        latent_range: tuple or None. Low and high of each entry of z of `generator`. Default: -1 and 1.
        inverter: path or None. Trained inverter (`load_inverter`). Default: the bundled one.
        classifier: path or None. Trained classifier (`load_classifier`). Default: the bundled one.
        recipe: str, path or None. Recipe whose objective to minimise. Default: the inverter's.
        needs_inverter: bool or None. Whether to load the bundled inverter if no path is given, for
            calls with several methods. Default: what `method` needs.

    Returns:
        Models.

    Raises:
        UserError: if a model is missing or damaged or does not fit, the bundled inverter is for
            another generator, or an inverter for another latent range.
    """
    one_method = needs_inverter is None
    needs_inverter = method != "gradient" if needs_inverter is None else needs_inverter
    if generator and needs_inverter and not inverter:
        raise UserError(f"The bundled inverter is not for {generator}: give --inverter, or --method gradient.")
    model = load_any_generator(
        wavegan=wavegan,
        slice_len=slice_len,
        generator=generator,
        latent_dim=latent_dim,
        latent_range=latent_range,
    )
    named = {"inverter": inverter, "classifier": classifier, "recipe": recipe}
    models = models_for(model, needs_inverter=needs_inverter, **named)
    models = dataclasses.replace(models, method=method)
    if one_method:
        _ = models.inversion  # so that a recipe that does not fit is reported before any work
    return models


def load_any_generator(
    *,
    wavegan: Path = defaults.WAVEGAN,
    slice_len: int | None = None,
    generator: Path | None = None,
    latent_dim: int | None = None,
    latent_range: tuple[float, float] | None = None,
) -> "GeneratorModel":
    """Load `generator` if it is given, else `wavegan`; arguments as for `load_models`.

    Raises:
        UserError: if there is no such model, or `latent_dim` or `latent_range` is given for a WaveGAN.
    """
    from tf_wavegan_inv.models.generator import load_generator
    from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

    if generator:
        return load_generator(generator, latent_dim=latent_dim, latent_range=latent_range or (-1.0, 1.0))
    if latent_dim or latent_range:
        raise UserError("--latent-dim and --latent-range go with --generator, and none was given: leave them out for a WaveGAN.")
    return load_wavegan(wavegan, slice_len)


def models_for(
    generator: "GeneratorModel",
    *,
    inverter: Path | None = None,
    classifier: Path | None = None,
    recipe: str | Path | None = None,
    needs_inverter: bool = True,
) -> Models:
    """Load the models that invert the clips of a loaded generator.

    Args:
        generator: `GeneratorModel`. Generator to invert.
        inverter, classifier, recipe: see `load_models`.
        needs_inverter: bool. Whether to load the bundled inverter if no path is given. Default True.

    Returns:
        Models.

    Raises:
        UserError: see `load_models`.
    """
    found_classifier = _classifier_for(generator, classifier)
    found_inverter = None
    if needs_inverter or inverter:  # a requested one also sets the recipe
        found_inverter = _inverter_for(generator, inverter)
    trained = found_inverter or found_classifier
    trained_by = trained.recipe if trained else load_recipe(recipe or "best")
    config = load_recipe(recipe).inversion if recipe else trained_by.inversion
    if not found_classifier and not recipe:
        config = dataclasses.replace(config, perceptual=0.0)
    return Models(generator, found_inverter, found_classifier, audio=trained_by.audio, config=config)


def _classifier_for(generator, path):
    """The classifier at a path, or the bundled one if it is for such audio, else None."""
    from tf_wavegan_inv.inversion.compatibility import check_shapes
    from tf_wavegan_inv.models.bundle import load_classifier

    classifier = load_classifier(path or defaults.CLASSIFIER)
    if not path and classifier.input_shape[1:] != generator.output_shape[1:]:
        return None
    check_shapes(classifier, generator, kind="classifier")
    return classifier


def _inverter_for(generator, path):
    """The inverter at a path, or the bundled one, checked against the generator."""
    from tf_wavegan_inv.inversion.compatibility import check_shapes, check_trained_for
    from tf_wavegan_inv.models.bundle import load_inverter

    inverter = load_inverter(path or defaults.INVERTER)
    check_shapes(inverter, generator, kind="inverter")
    check_trained_for(inverter, generator, bundled=not path)
    return inverter
