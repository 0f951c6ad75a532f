"""Whether a trained model is for this generator."""

import logging

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import checksum
from tf_wavegan_inv.models.generator import weights_file
from tf_wavegan_inv.wavegan.sources import find_checkpoint

log = logging.getLogger(__name__)


def check_shapes(model, generator, kind):
    """Raise UserError unless a classifier or inverter takes the audio that the generator makes, and gives its z."""
    if model.input_shape[1:] != generator.output_shape[1:]:
        raise UserError(
            f"The {kind} {model.file} takes audio of shape {model.input_shape[1:]} [samples, channels], the WaveGAN makes "
            f"{generator.output_shape[1:]}: train a {kind} for this WaveGAN with train_keras.py {kind}."
        )
    if kind == "inverter" and model.output_shape[1] != generator.input_shape[1]:
        raise UserError(
            f"The inverter {model.file} gives z of {model.output_shape[1]} numbers, the WaveGAN takes {generator.input_shape[1]}: "
            "train one for this WaveGAN with train_keras.py inverter."
        )


def check_directions(generator, inverter):
    """Raise UserError unless the generator is z -> audio and the inverter, where it tells its shapes, the way back."""
    shapes = generator.input_shape, generator.output_shape
    if [len(shape) for shape in shapes] != [2, 3]:
        raise UserError(f"generator must be z [batch, latent_dim] -> audio [batch, samples, channels], received a model {_arrow(*shapes)}.")
    try:
        found = inverter.input_shape, inverter.output_shape
    except AttributeError:  # a function, or a model that does not know its shapes
        return
    if not all(_fits(shape, wanted) for shape, wanted in zip(found, shapes[::-1], strict=True)):
        raise UserError(f"The inverter for this generator must be {_arrow(*shapes[::-1])}, received a model {_arrow(*found)}.")


def _fits(shape, wanted):
    """Whether a model's shape, None where it takes any size, allows the wanted one; of any batch."""
    return len(shape) == len(wanted) and all(size in (None, other) for size, other in zip(shape[1:], wanted[1:], strict=True))


def _arrow(source, target):
    return " -> ".join(str(["batch", *shape[1:]]).replace("'", "") for shape in (source, target))


def check_trained_for(inverter, wavegan, given):
    """Say when an inverter was trained for another WaveGAN.

    Raises:
        UserError: if it is the bundled one, which nobody chose (`given` is False). Else it is a warning: weights may come in several files.
    """
    trained_for, ours = inverter.options.get("wavegan", {}).get("sha256"), checksum(find_checkpoint(wavegan))
    if trained_for == ours:
        return
    if not given:
        raise UserError(
            f"The bundled inverter was trained for the bundled WaveGAN, not for {wavegan}: give --inverter, trained for it by "
            "train_keras.py inverter --wavegan, or --method gradient."
        )
    log.warning(
        "warning: the inverter %s was trained for another WaveGAN (checksum %s) than %s (%s).", inverter.file, trained_for, wavegan, ours
    )


def check_trained_for_generator(inverter, generator, path):
    """Raise UserError if an inverter is for another latent range than a generator (`load_generator`) has; say if it is for another one."""
    trained_for = inverter.options.get("generator")
    if not trained_for:
        log.warning("warning: the inverter %s was trained for a WaveGAN, not for %s.", inverter.file, path)
        return
    if trained_for["latent_range"] != [generator.low, generator.high]:
        low, high = trained_for["latent_range"]
        raise UserError(
            f"The inverter {inverter.file} was trained for a generator with z in [{low:g}, {high:g}], received {path} with z in "
            f"[{generator.low:g}, {generator.high:g}]: give --latent-range {low:g} {high:g}, or an inverter trained for this range."
        )
    if trained_for["sha256"] != checksum(weights_file(path)):
        log.warning("warning: the inverter %s was trained for another generator than %s.", inverter.file, path)
