"""Export: a SavedModel for TensorFlow Serving, and the server's configuration."""

import contextlib
import os
import pathlib
import shutil
import typing

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import write_json, write_text
from tf_wavegan_inv.serving.signatures import Signatures

MODEL = "wavegan_inversion"
WEIGHTS = ("float32", "bfloat16", "float16")


def next_version(folder: pathlib.Path) -> int:
    """The number after the highest version in a folder; 1 if there is none."""
    return max((int(p.name) for p in pathlib.Path(folder).glob("*") if p.name.isdigit()), default=0) + 1


def export(
    signatures: Signatures,
    folder: pathlib.Path,
    *,
    version: int,
    record: dict | None = None,
    add: typing.Callable[[pathlib.Path], None] | None = None,
    weights: str = "float32",
) -> pathlib.Path:
    """Write `folder`/<version>, completely or not at all.

    Args:
        signatures: Signatures.
        folder: pathlib.Path. Folder of the model. TensorFlow Serving loads the highest version in it.
        version: int. Number of the version.
        record: dict or None. How the model was made, for `assets.extra/export.json`. Default None: no file.
        add: function of the path of the written model, or None. Adds files to it, as `warmup.write_warmup` does.
            Default None.
        weights: str. Type of the stored weights, one of `WEIGHTS`; computation is in float32. Default "float32".

    Returns:
        Path of the version.

    Raises:
        UserError: if the version exists, or float16 cannot hold a weight.
    """
    folder = pathlib.Path(folder)
    path = folder / str(version)
    partial = folder / f".{version}.{os.getpid()}.partial"  # the server ignores names that are no numbers
    if path.exists():
        raise UserError(f"{path} exists, and a version is never overwritten: give another --version, or none for the next.")
    folder.mkdir(parents=True, exist_ok=True)
    module = tf.Module()
    originals = [v for model in (signatures.generator, signatures.inverter, signatures.classifier) for v in model.variables]
    module.weights = [_stored(v, weights) for v in originals]
    functions = {
        name: _with_stored(function, specs, originals=originals, stored=module.weights)
        for name, (function, specs) in signatures.functions().items()
    }
    try:
        # The graph of `refine` contains its gradients; tracing them again would capture the original weights.
        tf.saved_model.save(module, str(partial), functions, tf.saved_model.SaveOptions(experimental_custom_gradients=False))
        _forget_gradients(partial / "saved_model.pb")
        if record:
            write_json(partial / "assets.extra" / "export.json", record)
        if add:
            add(partial)
        os.rename(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(partial)
    return path


def _with_stored(function, specs, *, originals, stored):
    """A concrete function of named tensors that computes with the stored weights instead of the originals."""

    def with_stored(**inputs):
        values = [(v, tf.cast(s, v.dtype)) for v, s in zip(originals, stored, strict=True)]
        with keras.StatelessScope(state_mapping=values):
            return function(**inputs)

    return tf.function(with_stored).get_concrete_function(**specs)


def _forget_gradients(path):
    """Remove the names of custom gradients from the ops: the file lacks them, and loading would warn of each."""
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        for nodes in (graph.graph_def.node, *(function.node_def for function in graph.graph_def.library.function)):
            for node in nodes:
                node.attr.pop("_gradient_op_type", None)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _stored(variable, dtype):
    value = keras.ops.convert_to_numpy(variable)
    if not np.issubdtype(value.dtype, np.floating):
        return tf.Variable(value, trainable=False)
    stored = tf.cast(value, dtype)
    if not np.isfinite(tf.cast(stored, tf.float32)).all():
        raise UserError(f"{dtype} cannot hold the weight {variable.path}, which reaches {np.abs(value).max():g}: give --weights bfloat16.")
    return tf.Variable(stored, trainable=False)


def write_configuration(folder: pathlib.Path, *, name: str = MODEL) -> None:
    """Write the configuration of `tensorflow_model_server` beside the versions: models.config, batching_parameters.txt."""
    folder = pathlib.Path(folder)
    write_text(
        folder / "models.config",
        "model_config_list {\n"
        "  config {\n"
        f'    name: "{name}"\n'
        f'    base_path: "/models/{name}"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 1 } }\n"
        "  }\n"
        "}\n",
    )
    write_text(
        folder / "batching_parameters.txt",
        "max_batch_size { value: 128 }\n"
        "batch_timeout_micros { value: 5000 }\n"
        "max_enqueued_batches { value: 64 }\n"
        "num_batch_threads { value: 2 }\n"
        "allowed_batch_sizes: 1\n"
        "allowed_batch_sizes: 8\n"
        "allowed_batch_sizes: 32\n"
        "allowed_batch_sizes: 64\n"
        "allowed_batch_sizes: 128\n",
    )
