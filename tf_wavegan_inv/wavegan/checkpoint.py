"""Official TensorFlow 1 checkpoints, in and out."""

import glob
import os
import pathlib

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.wavegan.generator import Generator
from tf_wavegan_inv.wavegan.variables import config_from_shapes, generator_variables, official_shape


def load_wavegan(path, slice_len=None):
    """Load a generator from an official WaveGAN checkpoint, frozen.

    Variables are read by name, nothing of the file's graph is run. A training checkpoint (discriminator, optimiser slots, step) does too.

    Args:
        path: a checkpoint prefix ("model.ckpt", "model.ckpt-50"), one of its files, or a folder that holds one.
        slice_len: samples generated, where the checkpoint cannot say (32768 against 65536); a folder's args.txt is read for it.

    Returns:
        `Generator`, not trainable; `generator.config` is its `WaveGANConfig`.

    Raises:
        UserError: if there is no checkpoint at `path`, it is cut short, or it holds no WaveGAN generator.
    """
    prefix = find_checkpoint(path)
    reader = open_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    try:
        config = config_from_shapes(shapes, slice_len or _slice_len_from_args(prefix))
        generator = Generator(config)
        _assign(generator, reader, shapes)
    except UserError as error:
        raise UserError(f"{prefix}: {error}") from None
    generator.trainable = False
    return generator


def _assign(generator, reader, shapes):
    named = generator_variables(generator)
    missing = sorted(name for name in named if name not in shapes)
    if missing:
        raise UserError(
            f"variables {missing} are missing for {generator.config}; the checkpoint has {sorted(n for n in shapes if n[:2] == 'G/')}."
        )
    for name, variable in named.items():
        expected = official_shape(name, variable.shape)
        if tuple(shapes[name]) != expected:
            raise UserError(f"variable {name} has shape {tuple(shapes[name])}, expected {expected} for {generator.config}.")
        try:
            value = reader.get_tensor(name)
        except Exception as error:  # TensorFlow raises several types, by where the file ends
            raise UserError(f"variable {name} cannot be read, the .data file is cut short or damaged: {_first_line(error)}") from None
        if not np.issubdtype(value.dtype, np.floating):
            raise UserError(f"variable {name} holds {value.dtype}, floats are needed.")
        if not np.all(np.isfinite(value)):
            raise UserError(f"variable {name} holds NaN or infinite values: the training behind this checkpoint diverged.")
        variable.assign(value.reshape(variable.shape))


def save_wavegan_checkpoint(generator, path):
    """Save a generator in the official format and names (float32; `G/...` variables only).

    Args:
        generator: a `Generator`.
        path: checkpoint prefix, as in "folder/model.ckpt".
    """
    import tensorflow as tf

    named = generator_variables(generator)
    values = [np.asarray(v, np.float32).reshape(official_shape(n, v.shape)) for n, v in named.items()]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    tf.raw_ops.SaveV2(prefix=str(partial), tensor_names=list(named), shape_and_slices=[""] * len(named), tensors=values)
    for suffix in (".data-00000-of-00001", ".index"):  # the index last: without it there is no checkpoint
        os.replace(f"{partial}{suffix}", f"{path}{suffix}")


def find_checkpoint(path):
    """The checkpoint prefix that `path` means (see `load_wavegan`). Raises UserError if there is none."""
    path = pathlib.Path(path)
    if path.is_dir():
        return _newest(path)
    name = path.name
    for mark in (".index", ".meta", ".data-"):
        if mark in name and path.exists():
            name = name[: name.rindex(mark)]
    prefix = path.with_name(name)
    if not prefix.with_name(f"{name}.index").exists():
        beside = sorted(p.name for p in path.parent.iterdir())[:10] if path.parent.is_dir() else "no such folder"
        raise UserError(
            f"No checkpoint at {path}: {name}.index is missing (there is: {beside}). "
            "Give the prefix that *.index and *.data-* share, or their folder."
        )
    if not list(prefix.parent.glob(f"{glob.escape(name)}.data-*")):
        raise UserError(f"The checkpoint {prefix} is incomplete: there is an .index but no .data-00000-of-00001 beside it.")
    return prefix


def _newest(folder):
    import tensorflow as tf

    latest = tf.train.latest_checkpoint(str(folder))
    if latest:
        return pathlib.Path(latest)
    prefixes = sorted(folder.glob("*.index"))
    if len(prefixes) == 1:
        return find_checkpoint(prefixes[0])
    found = [p.name for p in prefixes] or sorted(p.name for p in folder.iterdir())[:10]
    raise UserError(
        f"The folder {folder} must hold one WaveGAN checkpoint (*.index, *.data-*) "
        f"or a file `checkpoint` that names the newest, found: {found}."
    )


def open_checkpoint(prefix):
    """A TensorFlow checkpoint reader. Raises UserError if the files are no checkpoint."""
    import tensorflow as tf

    try:
        return tf.train.load_checkpoint(str(prefix))
    except Exception as error:  # TensorFlow raises several types, by what the file holds instead
        raise UserError(f"{prefix} cannot be read as a TensorFlow checkpoint: {_first_line(error)}") from None


def _slice_len_from_args(prefix):
    """The official code's args.txt (lines "name,value") beside a training checkpoint."""
    path = prefix.with_name("args.txt")
    if path.exists():
        for line in path.read_text(errors="replace").splitlines():
            name, _, value = line.partition(",")
            if name == "data_slice_len" and value.isdigit():
                return int(value)
    return None


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]
