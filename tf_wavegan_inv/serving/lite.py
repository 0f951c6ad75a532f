"""TensorFlow Lite files, for devices."""

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing

FILE = "assets.extra/model.tflite"  # within a version
SIGNATURES = ("invert", "reconstruct", "classify", "generate")  # the others decode files, or search
KINDS = ("float32", "float16", "int8")


def write_lite(saved_model, path, kind="float32"):
    """Convert a SavedModel of float32 weights.

    Args:
        saved_model: path of a version that `export` wrote.
        path: of the .tflite file, which holds `SIGNATURES`.
        kind: of the weights, of `KINDS`; activations stay float32.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=list(SIGNATURES))
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with replacing(path) as partial:
        partial.write_bytes(converter.convert())


def _interpreter():
    """The class that runs .tflite files: LiteRT's where it is installed, else TensorFlow's own, which LiteRT succeeds."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return tf.lite.Interpreter
    return Interpreter


class LiteModel:
    """A .tflite file, called as a SavedModel's signatures are: `LiteModel(path)("invert", audio=audio)` -> dict of arrays.

    Args:
        path: of a file that `write_lite` wrote.
        threads: for a call.
    """

    def __init__(self, path, threads=None):
        self.interpreter = _interpreter()(str(path), num_threads=threads)

    def __call__(self, signature, **inputs):
        """Raises UserError for inputs of other names or shapes than the signature's."""
        runner = self.interpreter.get_signature_runner(signature)
        expected = {name: tuple(detail["shape_signature"].tolist()) for name, detail in runner.get_input_details().items()}
        received = {name: np.shape(value) for name, value in inputs.items()}
        if received.keys() != expected.keys() or any(received[name][1:] != shape[1:] for name, shape in expected.items()):
            raise UserError(f"{signature} takes {expected} (-1: any batch), received {received}.")
        return runner(**{name: np.asarray(value, np.float32) for name, value in inputs.items()})
