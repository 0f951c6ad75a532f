"""Loading, by their paths, the models that invert clips, each checked against the generator."""

import dataclasses

from tf_wavegan_inv import defaults
from tf_wavegan_inv.errors import UserError


@dataclasses.dataclass(frozen=True)
class Trained:
    """What inverts a generator's clips.

    Attributes:
        inverter: keras.Model; None where it is not needed.
        classifier: keras.Model; None where only the bundled one is there and the generator makes other audio.
        audio: `AudioConfig` that they were trained with; the recipe's where there are none.
        inversion: `InversionConfig`, of the recipe given or else that they were trained with; without a classifier, less its perceptual
            term.
    """

    inverter: object
    classifier: object
    audio: object
    inversion: object


def load_trained(generator, wavegan=None, inverter=None, classifier=None, recipe=None, needs_inverter=True, source=None):
    """Load the trained models for a generator: `Trained`.

    Args:
        generator: keras.Model, z -> audio.
        wavegan: the checkpoint that it is of; None where it is no WaveGAN.
        inverter, classifier: paths (see `load_inverter`); None for the bundled ones.
        recipe: whose objective to minimise, a name or path; None for the inverter's.
        needs_inverter: whether one must be there; one that is named is loaded in any case.
        source: path of a generator that is no WaveGAN.

    Raises:
        UserError: if a model is missing or damaged or does not fit, the bundled inverter is for another WaveGAN, or an inverter for another
            latent range.
    """
    from tf_wavegan_inv.inversion.compatibility import check_shapes, check_trained_for, check_trained_for_generator
    from tf_wavegan_inv.inversion.staged import without_perceptual
    from tf_wavegan_inv.models.bundle import load_classifier, load_inverter
    from tf_wavegan_inv.recipe import load_recipe

    hearing, inverting = load_classifier(classifier or defaults.CLASSIFIER), None
    if classifier or hearing.input_shape[1:] == generator.output_shape[1:]:
        check_shapes(hearing, generator, "classifier")
    else:  # the bundled one is for other audio: go without digits
        hearing = None
    if needs_inverter or inverter:  # one that is named says the recipe, too
        inverting = load_inverter(inverter or defaults.INVERTER)
        check_shapes(inverting, generator, "inverter")
        if wavegan:
            check_trained_for(inverting, wavegan, given=bool(inverter))
        elif source:
            check_trained_for_generator(inverting, generator, source)
    trained = inverting or hearing
    its_own = trained.recipe if trained else load_recipe(recipe or "best")
    inversion = load_recipe(recipe).inversion if recipe else its_own.inversion
    if not hearing and not recipe:
        inversion = without_perceptual(inversion)
    return Trained(inverting, hearing, its_own.audio, inversion)


class Loaded:
    """The models of one method, their compiled inversion, and who hears its digits.

    Args:
        method: of `invert.METHODS`.
        wavegan: official checkpoint; the bundled one by default.
        inverter, classifier, recipe: see `load_trained`.
        slice_len: samples the WaveGAN makes, where its checkpoint cannot say.
        generator: instead of `wavegan` any model z -> audio, a path; `latent_dim`, `latent_range`: see `load_generator`.

    Attributes:
        inversion: `Inversion`.
        trained: `Trained`.
        clip_classifier: `ClipClassifier`; None without a classifier.
        shape: (samples, channels) of a clip.
        to_latent: function of z [batch, latent_dim] -> the generator's own.

    Raises:
        UserError: if a model is missing or damaged or does not fit.
    """

    def __init__(
        self, method="hybrid", wavegan=defaults.WAVEGAN, inverter=None, classifier=None, recipe=None, slice_len=None, generator=None,
        latent_dim=None, latent_range=None,
    ):  # fmt: skip
        from tf_wavegan_inv.inversion.invert import Inversion
        from tf_wavegan_inv.models.generator import load_generator
        from tf_wavegan_inv.models.predictions import ClipClassifier
        from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

        if generator:
            if method != "gradient" and not inverter:
                raise UserError(f"The bundled inverter is not for {generator}: give --inverter, or --method gradient.")
            model, wavegan = load_generator(generator, latent_dim, latent_range or (-1.0, 1.0)), None
        else:
            if latent_dim or latent_range:
                raise UserError("--latent-dim and --latent-range go with --generator; a WaveGAN knows them itself.")
            model = load_wavegan(wavegan, slice_len)
        self.trained = load_trained(model, wavegan, inverter, classifier, recipe, method != "gradient", generator)
        self.clip_classifier = ClipClassifier(self.trained.classifier) if self.trained.classifier else None
        self.inversion = Inversion(model, method, self.trained.inverter, self.trained.classifier, self.trained.inversion)
        self.shape = tuple(model.output_shape[1:])
        self.to_latent = getattr(model, "to_latent", lambda z: z)

    @property
    def sample_rate(self):
        """Hz."""
        return self.trained.audio.sample_rate

    @property
    def seconds(self):
        """Length of a clip."""
        return self.shape[0] / self.sample_rate
