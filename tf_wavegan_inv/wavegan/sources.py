"""Where the weights of a WaveGAN are read from: official checkpoints, and graphs frozen with their weights."""

import glob
import pathlib

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import write_text
from tf_wavegan_inv.wavegan.graph import constants, read_graph, slice_len_of


class Source:
    """Named arrays of one file.

    Attributes:
        path: for messages.
        shapes: dict of official name to shape.
        args: dict of the official options beside it (`args.txt`), as strings; empty if there is none.
    """

    def __init__(self, path, shapes, args, read, graphs=()):
        self.path, self.shapes, self.args, self._read, self._graphs = path, shapes, args, read, graphs

    def read(self, name):
        """A floating-point array. Raises UserError if it cannot be read or is not finite."""
        value = self._array(name)
        if value.dtype.name not in ("float16", "bfloat16", "float32", "float64"):
            raise UserError(f"variable {name} holds {value.dtype}, floats are needed.")
        value = value.astype(np.float32)
        if not np.all(np.isfinite(value)):
            raise UserError(f"variable {name} holds NaN or infinite values: the training behind this checkpoint diverged.")
        return value

    @property
    def has_discriminator(self):
        return "D/output/dense/kernel" in self.shapes

    def read_integer(self, name, default=0):
        """An integer counter such as global_step; `default` where there is none. Raises UserError if it cannot be read."""
        return int(self._array(name)) if name in self.shapes else default

    def _array(self, name):
        try:
            return np.asarray(self._read(name))
        except Exception as error:  # TensorFlow raises several types, by where the file ends
            raise UserError(f"variable {name} cannot be read, the file is cut short or damaged: {_first_line(error)}") from None

    def slice_len(self):
        """Samples generated, from args.txt or a graph beside the weights; None where nothing says it."""
        if self.args.get("data_slice_len", "").isdigit():
            return int(self.args["data_slice_len"])
        for graph in self._graphs:
            found = slice_len_of(graph if not isinstance(graph, pathlib.Path) else read_graph(graph))
            if found:
                return found
        return None


def open_source(path):
    """Open a checkpoint (prefix, one of its files, a folder, its infer.meta) or a frozen graph (.pb).

    Raises:
        UserError: if there is none at `path`, or its files are something else.
    """
    prefix = find_checkpoint(path)
    if prefix.suffix == ".pb":
        return _frozen_graph(prefix)
    reader = _checkpoint_reader(prefix)
    folder = prefix.parent
    graphs = [p for p in (folder / "infer.meta", folder / "infer" / "infer.meta", folder / f"{prefix.name}.meta") if p.is_file()]
    return Source(prefix, reader.get_variable_to_shape_map(), read_args(folder / "args.txt"), reader.get_tensor, graphs)


def _frozen_graph(path):
    import tensorflow as tf

    graph = read_graph(path)
    tensors = constants(graph)
    shapes = {name: tuple(dim.size for dim in tensor.tensor_shape.dim) for name, tensor in tensors.items()}
    return Source(path, shapes, read_args(path.with_name("args.txt")), lambda name: tf.make_ndarray(tensors[name]), [graph])


def find_checkpoint(path):
    """The checkpoint prefix that `path` means (see `open_source`); a .pb file is returned as it is. Raises UserError if there is none."""
    path = pathlib.Path(path)
    if path.suffix in (".pb", ".keras") and path.is_file():
        return path
    if path.name == "infer.meta" and path.is_file():
        folder = path.parent.parent if path.parent.name == "infer" and not list(path.parent.glob("*.index")) else path.parent
        return _newest(folder)
    if path.is_dir():
        return _newest(path)
    name = path.name
    for mark in (".index", ".meta", ".data-"):
        if mark in name and path.exists():
            name = name[: name.rindex(mark)]
    prefix = path.with_name(name)
    if not prefix.with_name(f"{name}.index").exists():
        beside = sorted(p.name for p in path.parent.iterdir())[:10] if path.parent.is_dir() else "no such folder"
        what = f"{path} is a file, but no checkpoint or frozen graph" if path.is_file() else f"No checkpoint at {path}"
        raise UserError(
            f"{what}: {name}.index is missing (there is: {beside}). "
            "Give the prefix that *.index and *.data-* share, their folder, or a frozen graph (.pb)."
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
    if not prefixes and (folder / "wavegan").is_dir():  # a run folder of train_keras.py
        return _newest(folder / "wavegan")
    graphs = sorted(folder.glob("*.pb"))
    if not prefixes and len(graphs) == 1:
        return graphs[0]
    found = [p.name for p in prefixes] or sorted(p.name for p in folder.iterdir())[:10]
    raise UserError(
        f"The folder {folder} must hold one WaveGAN checkpoint (*.index, *.data-*) "
        f"or a file `checkpoint` that names the newest, found: {found}."
    )


def _checkpoint_reader(prefix):
    import tensorflow as tf

    try:
        return tf.train.load_checkpoint(str(prefix))
    except Exception as error:  # TensorFlow raises several types, by what the file holds instead
        raise UserError(f"{prefix} cannot be read as a TensorFlow checkpoint: {_first_line(error)}") from None


def read_args(path):
    """The official code's args.txt (lines "name,value") as a dict; empty if there is none."""
    if not path.is_file():
        return {}
    pairs = (line.partition(",") for line in path.read_text(errors="replace").splitlines())
    return {name: value for name, comma, value in pairs if comma}


def write_args(path, values):
    """Write what `read_args` reads, a dict."""
    write_text(path, "".join(f"{name},{value}\n" for name, value in values.items()))


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]
