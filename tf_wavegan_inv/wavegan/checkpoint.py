"""Official TensorFlow 1 checkpoints, in and out."""

import dataclasses
import os
import pathlib

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.wavegan.discriminator import Discriminator
from tf_wavegan_inv.wavegan.generator import Generator
from tf_wavegan_inv.wavegan.sources import open_source, read_args, write_args
from tf_wavegan_inv.wavegan.variables import config_from_shapes, official_shape, variables_of

AVERAGE = "/ExponentialMovingAverage"  # after a variable's name: TensorFlow 1's name for its moving average


def load_wavegan(path, slice_len=None, frozen=True, average=False):
    """Load a generator from an official WaveGAN.

    Variables are read by name, nothing of the file's graph is run. A training checkpoint (discriminator, optimiser slots, step) does too.

    Args:
        path: a checkpoint prefix ("model.ckpt", "model.ckpt-50"), one of its files, the published pair's infer.meta, a folder that holds
            them (of several checkpoints the one that the file `checkpoint` names), a frozen graph (.pb), or a generator saved by Keras
            (.keras).
        slice_len: samples generated, where the weights cannot say (32768 against 65536); args.txt or infer.meta beside them may.
        frozen: see `Generator`.
        average: take the moving average of the weights, which this project's training can keep in the same checkpoint.

    Returns:
        `Generator`; `generator.config` is its `WaveGANConfig`.

    Raises:
        UserError: if there is no WaveGAN at `path`, it is cut short, or its variables fit no generator.
    """
    if pathlib.Path(path).suffix == ".keras":
        if average:
            raise UserError(f"{path} holds one generator, no moving average beside it.")
        generator = _from_keras(path, frozen)
        generator.file = pathlib.Path(path)
        return generator
    source = open_source(path)
    try:
        config = config_from_shapes(source.shapes, slice_len, source.slice_len)
        generator = Generator(config, frozen=frozen)
        if average and not any(name.endswith(AVERAGE) for name in source.shapes):
            raise UserError("there is no moving average of the weights: only training with `average` keeps one.")
        assign(generator, source, AVERAGE if average else "")
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from None
    generator.file = source.path
    return generator


def load_discriminator(path, slice_len=None, phase_shuffle=None):
    """Load the discriminator beside a generator from an official training checkpoint (see `load_wavegan`).

    Args:
        phase_shuffle: its radius; by default that of args.txt, or else 2.

    Returns:
        `Discriminator`.

    Raises:
        UserError: as `load_wavegan`, or if the checkpoint holds no discriminator.
    """
    source = open_source(path)
    try:
        config = config_from_shapes(source.shapes, slice_len, source.slice_len)
        if not source.has_discriminator:
            raise UserError("there is no discriminator (D/output/dense/kernel): only training checkpoints have one.")
        if phase_shuffle is None:
            phase_shuffle = int(source.args.get("wavegan_disc_phaseshuffle", 2))
        norm = "D/downconv_1/batch_normalization/gamma" in source.shapes
        discriminator = Discriminator(dataclasses.replace(config, batch_norm=norm), phase_shuffle)
        assign(discriminator, source)
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from None
    return discriminator


def assign(model, source, suffix=""):
    """Give a `Generator` or `Discriminator` its weights. Raises UserError if they are missing or of other shapes.

    Args:
        suffix: after each name in the source, as `AVERAGE`.
    """
    named, shapes = {name + suffix: variable for name, variable in variables_of(model).items()}, source.shapes
    missing = sorted(name for name in named if name not in shapes)
    if missing:
        scope = next(iter(named))[:2]
        found = sorted(name for name in shapes if name.startswith(scope))
        raise UserError(f"variables {missing} are missing for {_in_words(model)}; the file has {found[:20]}.")
    for name, variable in named.items():
        expected = official_shape(name.removesuffix(suffix), variable.shape)
        if tuple(shapes[name]) != expected:
            raise UserError(f"variable {name} has shape {tuple(shapes[name])}, expected {expected} for {_in_words(model)}.")
        variable.assign(source.read(name).reshape(variable.shape))


def _in_words(model):
    """What a network is, for messages."""
    if hasattr(model, "heads"):
        return "a second discriminator through this classifier: give the one that it was trained through"
    return getattr(model, "config", None) or "the inverter of this recipe: give the one that it was trained with"


def save_wavegan_checkpoint(generator, path, discriminator=None):
    """Save a generator, and a discriminator with it, in the official format and names (float32); an args.txt says the length.

    Args:
        generator: a `Generator`.
        path: checkpoint prefix, as in "folder/model.ckpt".
        discriminator: a `Discriminator`, or None.

    Raises:
        UserError: if an args.txt is there that tells of another length.
    """
    args = pathlib.Path(path).with_name("args.txt")
    length, other = generator.config.slice_len, read_args(args).get("data_slice_len", "")
    if other.isdigit() and int(other) != length:
        raise UserError(f"{args} tells of a WaveGAN of {other} samples, and this one makes {length}: save it in another folder.")
    values = official_values(generator)
    if discriminator is not None:
        values |= official_values(discriminator)
    write_checkpoint(path, values)
    if not args.exists():  # what the weights cannot say
        said = {"data_slice_len": length}
        if discriminator is not None:
            said["wavegan_disc_phaseshuffle"] = discriminator.phase_shuffle
        write_args(args, said)


def official_values(model):
    """Arrays of a `Generator` or `Discriminator` by official name, in official shape."""
    return {name: np.asarray(v, np.float32).reshape(official_shape(name, v.shape)) for name, v in variables_of(model).items()}


def write_checkpoint(path, values):
    """Write arrays by name as a checkpoint that TensorFlow 1 reads. It appears whole or not at all."""
    import tensorflow as tf

    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    names = sorted(values)
    tf.raw_ops.SaveV2(prefix=str(partial), tensor_names=names, shape_and_slices=[""] * len(names), tensors=[values[n] for n in names])
    pathlib.Path(f"{path}.index").unlink(missing_ok=True)  # never an index with the data of another
    for suffix in (".data-00000-of-00001", ".index"):  # the index last: without it there is no checkpoint
        os.replace(f"{partial}{suffix}", f"{path}{suffix}")


def copy_generator(generator, frozen=False):
    """A `Generator` with the same weights, of its own, frozen or not."""
    copy = Generator(generator.config, frozen=frozen)
    copy_weights(generator, copy)
    return copy


def copy_weights(source, target):
    """Give one `Generator` the weights of another of the same config, whichever of them is frozen."""
    named = variables_of(target)
    for name, variable in variables_of(source).items():
        named[name].assign(np.asarray(variable))


def _from_keras(path, frozen):
    import keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises several types, by what the file holds instead
        raise UserError(f"{path} cannot be read as a Keras model: {(str(error).splitlines() or ['?'])[0]}") from None
    if not isinstance(model, Generator):
        raise UserError(f"{path} holds a {type(model).__name__}, not a WaveGAN generator.")
    if model.frozen == frozen:
        return model
    return copy_generator(model, frozen)
