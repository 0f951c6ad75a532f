"""A SavedModel for TensorFlow Serving, and what lies beside it."""

import contextlib
import os
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import write_json, write_text

MODEL = "wavegan_inversion"
WEIGHTS = ("float32", "bfloat16", "float16")


def next_version(folder):
    """The number after the highest version in a folder; 1 where there is none."""
    return max((int(p.name) for p in pathlib.Path(folder).glob("*") if p.name.isdigit()), default=0) + 1


def export(signatures, folder, version, record=None, add=None, weights="float32"):
    """Write `folder`/<version>: whole, or not at all.

    Args:
        signatures: `Signatures`.
        folder: of the model; TensorFlow Serving takes the highest version in it.
        version: int.
        record: dict, how it was made, for `assets.extra/export.json`.
        add: function of the path of the written model, which adds to it (`warmup.write_warmup`); None for nothing.
        weights: of `WEIGHTS`, as what weights are kept; all is computed in float32.

    Returns:
        path of the version.

    Raises:
        UserError: if there is that version already, or float16 cannot hold a weight.
    """
    folder = pathlib.Path(folder)
    path, partial = folder / str(version), folder / f".{version}.{os.getpid()}.partial"  # a name that is no number is no version
    if path.exists():
        raise UserError(f"{path} is there already, and a version is never overwritten: give another --version, or none for the next.")
    folder.mkdir(parents=True, exist_ok=True)
    module = tf.Module()
    originals = [v for model in (signatures.generator, signatures.inverter, signatures.classifier) for v in model.variables]
    module.weights = [_kept(v, weights) for v in originals]
    functions = {name: _with_kept(originals, module.weights, f, specs) for name, (f, specs) in signatures.functions().items()}
    try:
        # Gradients are in the graph of `refine` already; traced again for the file they would reach for the originals.
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


def _with_kept(originals, kept, function, specs):
    """A concrete function of named tensors that computes with `kept`, cast to what the originals are, in place of `originals`."""

    def with_kept(**inputs):
        values = [(v, tf.cast(k, v.dtype)) for v, k in zip(originals, kept, strict=True)]
        with keras.StatelessScope(state_mapping=values):
            return function(**inputs)

    return tf.function(with_kept).get_concrete_function(**specs)


def _forget_gradients(path):
    """Take the names of custom gradients, which are not in the file, off its ops: else whoever loads it is warned of each."""
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        for nodes in (graph.graph_def.node, *(function.node_def for function in graph.graph_def.library.function)):
            for node in nodes:
                node.attr.pop("_gradient_op_type", None)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _kept(variable, dtype):
    value = keras.ops.convert_to_numpy(variable)
    if not np.issubdtype(value.dtype, np.floating):
        return tf.Variable(value, trainable=False)
    kept = tf.cast(value, dtype)
    if not np.isfinite(tf.cast(kept, tf.float32)).all():
        raise UserError(f"{dtype} cannot hold the weight {variable.path}, which reaches {np.abs(value).max():g}: take bfloat16.")
    return tf.Variable(kept, trainable=False)


def write_configuration(folder, name=MODEL):
    """Write what `tensorflow_model_server` is started with beside the versions: models.config and batching_parameters.txt."""
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
