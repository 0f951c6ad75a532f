"""The trained models that a command's arguments name, checked against its generator."""

import dataclasses

from tf_wavegan_inv import defaults


@dataclasses.dataclass(frozen=True)
class Trained:
    """What inverts a generator's clips.

    Attributes:
        inverter: keras.Model; None where it is not needed.
        classifier: keras.Model; None where only the bundled one is there and the generator makes other audio.
        audio: `AudioConfig` that they were trained with.
        inversion: `InversionConfig`, of --recipe or else that they were trained with; without a classifier, less its perceptual term.
    """

    inverter: object
    classifier: object
    audio: object
    inversion: object


def load_trained(options, generator, needs_inverter):
    """Load the models of --inverter, --classifier and --recipe, or the bundled ones: `Trained`.

    Args:
        options: parsed arguments; with `generator`, where there is such an option, the generator is not `wavegan`.
        generator: keras.Model, z -> audio.
        needs_inverter: bool.

    Raises:
        UserError: if a model is missing or damaged or does not fit, or the bundled inverter is for another WaveGAN.
    """
    from tf_wavegan_inv.inversion.staged import without_perceptual
    from tf_wavegan_inv.models.bundle import load_classifier, load_inverter
    from tf_wavegan_inv.recipe import load_recipe
    from tf_wavegan_inv.training.stages import check_shapes, check_trained_for

    classifier, inverter = load_classifier(options.classifier or defaults.CLASSIFIER), None
    if options.classifier or classifier.input_shape[1:] == generator.output_shape[1:]:
        check_shapes(classifier, generator, "classifier")
    else:  # the bundled one is for other audio: go without digits
        classifier = None
    if needs_inverter:
        inverter = load_inverter(options.inverter or defaults.INVERTER)
        check_shapes(inverter, generator, "inverter")
        if not getattr(options, "generator", None):
            check_trained_for(inverter, options.wavegan, given=bool(options.inverter))
    trained = inverter or classifier
    recipe = trained.recipe if trained else load_recipe("best")
    inversion = load_recipe(options.recipe).inversion if options.recipe else recipe.inversion
    if not classifier and not options.recipe:
        inversion = without_perceptual(inversion)
    return Trained(inverter, classifier, recipe.audio, inversion)
