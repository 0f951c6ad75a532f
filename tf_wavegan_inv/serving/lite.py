"""TensorFlow Lite files, for devices."""

import pathlib

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing

FILE = "assets.extra/model.tflite"  # in the folder of a version
SIGNATURES = ("invert", "reconstruct", "classify", "generate")  # the others decode files or optimise
KINDS = ("float32", "float16", "int8")


def write_lite(saved_model: pathlib.Path, path: pathlib.Path, *, kind: str = "float32") -> None:
    """Convert the `SIGNATURES` of a SavedModel with float32 weights.

    Args:
        saved_model: pathlib.Path. Folder of a version that `export` wrote.
        path: pathlib.Path. The .tflite file to write.
        kind: str. Type of the weights, one of `KINDS`; activations stay float32. Default "float32".
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=list(SIGNATURES))
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with replacing(path) as partial:
        partial.write_bytes(converter.convert())


def _interpreter():
    """The class that runs .tflite files: LiteRT's if it is installed, otherwise TensorFlow's, its predecessor."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter


class LiteModel:
    """Runs a .tflite file: `LiteModel(path)("invert", audio=audio)` -> dict of arrays.

    Args:
        path: pathlib.Path. A file that `write_lite` wrote.
        threads: int or None. Number of threads of a call. Default None: LiteRT's own choice.
    """

    def __init__(self, path: pathlib.Path, *, threads: int | None = None):
        self.interpreter = _interpreter()(str(path), num_threads=threads)

    def __call__(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs of a signature. Raises UserError if the names or shapes of the inputs differ from the signature's."""
        runner = self.interpreter.get_signature_runner(signature)
        expected = {name: tuple(detail["shape_signature"].tolist()) for name, detail in runner.get_input_details().items()}
        received = {name: np.shape(value) for name, value in inputs.items()}
        if received.keys() != expected.keys() or any(received[name][1:] != shape[1:] for name, shape in expected.items()):
            raise UserError(f"{signature} takes {expected} (-1: any batch), received {received}.")
        return runner(**{name: np.asarray(value, np.float32) for name, value in inputs.items()})
