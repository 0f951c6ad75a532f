"""Checks whether a trained model fits a generator."""

import logging

import keras

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.models.generator import GeneratorModel

log = logging.getLogger(__name__)


def check_shapes(model: keras.Model, generator: keras.Model, *, kind: str) -> None:
    """Raise UserError unless a model takes the generator's audio and, if it is an inverter, returns its z."""
    if model.input_shape[1:] != generator.output_shape[1:]:
        raise UserError(
            f"The {kind} {model.file} takes audio of shape {model.input_shape[1:]} [samples, channels], the generator makes "
            f"{generator.output_shape[1:]}: train a {kind} for this generator with train_keras.py {kind}."
        )
    if kind == "inverter" and model.output_shape[1] != generator.input_shape[1]:
        raise UserError(
            f"The inverter {model.file} gives z of {model.output_shape[1]} entries, the generator takes {generator.input_shape[1]}: "
            "train one for this generator with train_keras.py inverter."
        )


def check_directions(generator: keras.Model, inverter: keras.Model | None) -> None:
    """Raise UserError unless the generator is z -> audio and the inverter, if it reports its shapes, audio -> z."""
    shapes = generator.input_shape, generator.output_shape
    if [len(shape) for shape in shapes] != [2, 3]:
        raise UserError(f"generator must be z [batch, latent_dim] -> audio [batch, samples, channels], received a model {_arrow(*shapes)}.")
    found = [getattr(inverter, name, None) for name in ("input_shape", "output_shape")]
    if None in found:  # no inverter, a function, or a model that does not know its shapes
        return
    if not all(_fits(shape, expected) for shape, expected in zip(found, shapes[::-1], strict=True)):
        raise UserError(f"The inverter for this generator must be {_arrow(*shapes[::-1])}, received a model {_arrow(*found)}.")


def _fits(shape, expected):
    """Whether a model's shape allows the expected one, whatever the batch; None allows any size."""
    return len(shape) == len(expected) and all(size in (None, other) for size, other in zip(shape[1:], expected[1:], strict=True))


def _arrow(source, target):
    return " -> ".join(str(["batch", *shape[1:]]).replace("'", "") for shape in (source, target))


def check_trained_for(inverter: keras.Model, generator: GeneratorModel, *, bundled: bool) -> None:
    """Warn where an inverter was trained for another generator.

    Args:
        inverter: keras.Model. Result of `load_inverter`.
        generator: `GeneratorModel`. Generator to invert.
        bundled: bool. Whether the inverter is the bundled default. It is then refused, not warned of.
            An inverter that the user chose is not refused: weights may come in several files.

    Raises:
        UserError: if the bundled inverter, or any inverter's latent range, is for another generator.
    """
    ours = generator.identity()
    name = ours.name
    trained_for = inverter.options.get(ours.kind)
    if bundled and (not trained_for or trained_for["sha256"] != ours.sha256):
        raise UserError(
            f"The bundled inverter was trained for the bundled WaveGAN, not for {name}: give --inverter, trained for it by "
            "train_keras.py inverter --wavegan, or --method gradient."
        )
    if not trained_for:
        log.warning("warning: the inverter %s was trained for another kind of generator than %s.", inverter.file, name)
        return
    low, high = trained_for.get("latent_range", (-1.0, 1.0))
    latent = generator.latent
    if [low, high] != latent.range:
        raise UserError(
            f"The inverter {inverter.file} was trained for a generator with z in [{low:g}, {high:g}], received {name} with z in "
            f"[{latent.low:g}, {latent.high:g}]: give --latent-range {low:g} {high:g}, or an inverter trained for this range."
        )
    if trained_for["sha256"] != ours.sha256:
        log.warning(
            "warning: the inverter %s was trained for another generator (checksum %s) than %s (%s).",
            inverter.file,
            trained_for["sha256"],
            name,
            ours.sha256,
        )
