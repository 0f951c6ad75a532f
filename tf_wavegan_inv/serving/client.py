"""A client of a served model, over gRPC or REST."""

import base64
import http.client
import json
import re
import time
import urllib.error
import urllib.request

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.serving.export import MODEL
from tf_wavegan_inv.serving.warmup import protos

RETRIES, FIRST_WAIT = 4, 0.5  # of calls that may succeed later; seconds, doubled each time
PROBE = 1.0  # seconds that a server has to show whether it speaks HTTP
PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")  # of gRPC's codes; 429, 503 of HTTP's
MESSAGE_BYTES = 2**28
SINGLE = {"serving_default": "z", "invert": "z", "invert_wav": "z", "generate": "audio", "generate_wav": "wav_bytes"}  # outputs alone


class Client:
    """Calls the signatures of a served model.

    Args:
        server: "host:port" for gRPC; "http://host:port" or "https://..." for REST.
        model: its name.
        deadline: seconds a call may take, with its retries.

    Raises:
        UserError: if tensorflow-serving-api, which gRPC needs, is not installed.
    """

    def __init__(self, server, model=MODEL, deadline=60.0):
        self.server, self.model, self.deadline = server, model, deadline
        self._call = self._rest if server.startswith(("http://", "https://")) else self._grpc()

    def __call__(self, signature, **inputs):
        """Call a signature: arrays by name -> arrays by name.

        Raises:
            UserError: with the server's words, if it refuses the input.
            UnreachableError: if it does not answer in time.
        """
        until, wait = time.monotonic() + self.deadline, FIRST_WAIT
        for attempt in range(RETRIES + 1):
            try:
                return self._call(signature, inputs, max(until - time.monotonic(), 0.01))
            except _PassingError as error:
                if attempt == RETRIES or time.monotonic() + wait > until:
                    raise UnreachableError(f"{self.server} does not serve {self.model}/{signature}: {error}") from None
                time.sleep(wait)
                wait *= 2

    def _grpc(self):
        import grpc
        import tensorflow as tf

        predict, _ = protos()
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        sizes = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
        stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(self.server, options=sizes))

        def call(signature, inputs, seconds):
            request = predict.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = self.model, signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(_single(value)))
            try:
                response = stub.Predict(request, timeout=seconds)
            except grpc.RpcError as error:
                text = f"{error.code().name}: {error.details()}"
                if error.code().name in PASSING:
                    raise _PassingError(text) from None
                if error.code().name == "DEADLINE_EXCEEDED":
                    raise self._late(signature) from None
                raise self._refusal(signature, text, error.code().name == "NOT_FOUND") from None
            return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}

        return call

    def _rest(self, signature, inputs, seconds):
        body = {"signature_name": signature, "inputs": {name: _to_json(value) for name, value in inputs.items()}}
        request = urllib.request.Request(
            f"{self.server.rstrip('/')}/v1/models/{self.model}:predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                outputs = json.load(response)["outputs"]
        except urllib.error.HTTPError as error:
            text = f"HTTP {error.code}: {_error_of(error.read())}"
            if error.code in (429, 503):
                raise _PassingError(text) from None
            raise self._refusal(signature, text, error.code == 404) from None
        except TimeoutError:
            raise self._late(signature) from None
        except (http.client.HTTPException, OSError, ValueError, KeyError) as error:  # no HTTP, no connection, no JSON, no outputs
            # Who hangs up in the midst of a long body may be busy, or of another protocol: a short question tells them apart.
            hung_up = isinstance(getattr(error, "reason", error), (BrokenPipeError, ConnectionResetError))
            if isinstance(error, http.client.InvalidURL):
                raise UserError(f"{self.server} and the name {self.model!r} make no address: {error}") from None
            if self._has_no_http(min(seconds, PROBE)) if hung_up else isinstance(error, http.client.BadStatusLine):
                raise UnreachableError(
                    f"{self.server} does not speak HTTP: REST is usually at port 8501; for gRPC give host:port without http://."
                ) from None
            raise _PassingError(f"{type(error).__name__}: {error}") from None
        if not isinstance(outputs, dict):  # a single output comes without its name
            outputs = {SINGLE[signature]: outputs}
        return {name: _from_json(value) for name, value in outputs.items()}

    def _has_no_http(self, seconds):
        """Whether what listens at the address answers, but not by HTTP."""
        try:
            urllib.request.urlopen(f"{self.server.rstrip('/')}/v1/models/{self.model}", timeout=seconds).close()
        except http.client.BadStatusLine as error:
            return not isinstance(error, ConnectionResetError)
        except (http.client.HTTPException, OSError):
            pass
        return False

    def _late(self, signature):
        return UnreachableError(
            f"{self.server} did not answer {self.model}/{signature} within {self.deadline:g} s: "
            "give a longer deadline (--deadline), or fewer clips a call (--batch-size)."
        )

    def _refusal(self, signature, text, unknown):
        """The error for what the server says: of an unknown model, or of input that it cannot use."""
        if unknown:
            return UnreachableError(f"{self.server} does not serve {self.model}/{signature}: {text}")
        said = re.search(r"assertion failed: (.*)", text)  # without where in the graph it was said
        return UserError(f"{self.server} refused {self.model}/{signature}: {said[1] if said else text}")


class UnreachableError(UserError):
    """A server that does not answer, or does not have the model."""


class _PassingError(Exception):
    """A failure that another attempt may not meet."""


def _single(value):
    """float64 as float32, which is what signatures take; anything else as it is."""
    return np.asarray(value, np.float32) if np.asarray(value).dtype == np.float64 else value


def _to_json(value):
    value = np.asarray(value)
    if value.dtype.kind in "OS":
        return [{"b64": base64.b64encode(item).decode()} for item in value.tolist()]
    return value.tolist()


def _from_json(value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([base64.b64decode(item["b64"]) for item in value], object)
    return np.array(value)


def _error_of(body):
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return body[:500].decode(errors="replace")
