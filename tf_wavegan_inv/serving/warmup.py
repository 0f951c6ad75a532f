"""Warm-up: requests that TensorFlow Serving replays when it loads a model, before the first user's request."""

import pathlib

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing
from tf_wavegan_inv.serving.signatures import Signatures

FILE = "assets.extra/tf_serving_warmup_requests"  # the name that the server expects
BATCHES = (1, 8, 32)
WARMUP_STEPS = 2  # of `refine`


def protos():
    """The modules of tensorflow-serving-api that define requests. Raises UserError if it is not installed."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        raise UserError("tensorflow-serving-api is not installed: pip install -e '.[serving]'.") from None
    return predict_pb2, prediction_log_pb2


def example_inputs(signatures: Signatures, batch: int, *, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Inputs of quiet noise and random z: dict of signature to dict of argument to array [batch, ...]."""
    rng = np.random.default_rng(seed)
    audio = rng.uniform(-0.1, 0.1, (batch, signatures.length, signatures.channels)).astype(np.float32)
    rate = tf.constant(signatures.audio_config.sample_rate, tf.int32)
    values = {
        "audio": audio,
        "wav_bytes": np.array([tf.audio.encode_wav(clip, rate).numpy() for clip in audio], object),
        "z": rng.uniform(-1, 1, (batch, signatures.latent_dim)).astype(np.float32),
        "steps": np.full(batch, WARMUP_STEPS, np.int32),
    }
    return {name: {argument: values[argument] for argument in specs} for name, (_, specs) in signatures.functions().items()}


def write_warmup(path: pathlib.Path, signatures: Signatures, *, model_name: str, batches: tuple[int, ...] = BATCHES) -> None:
    """Write the warm-up records of a SavedModel: one for each signature and batch size.

    Args:
        path: pathlib.Path. Folder of the SavedModel's version.
        signatures: Signatures.
        model_name: str. Name of the served model.
        batches: tuple of int. Batch sizes. Default 1, 8 and 32.

    Raises:
        UserError: if tensorflow-serving-api is not installed.
    """
    predict, log = protos()
    with replacing(path / FILE) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
        for batch in batches:
            for name, inputs in example_inputs(signatures, batch).items():
                request = predict.PredictRequest()
                request.model_spec.name, request.model_spec.signature_name = model_name, name
                for argument, value in inputs.items():
                    request.inputs[argument].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.PredictionLog(predict_log=log.PredictLog(request=request)).SerializeToString())
