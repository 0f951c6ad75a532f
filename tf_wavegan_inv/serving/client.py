"""A client of a served model, over gRPC or REST."""

import base64
import http.client
import json
import re
import time

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.serving.export import MODEL
from tf_wavegan_inv.serving.warmup import protos

# Retries keep to one deadline for gRPC and REST alike, which urllib3's Retry does not know.
RETRIES, FIRST_WAIT = 4, 0.5  # number; seconds before the first, doubled for each further one
PROBE = 1.0  # seconds that a server has to answer over HTTP
TRANSIENT = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")  # gRPC codes
TRANSIENT_HTTP = (429, 503)
MESSAGE_BYTES = 2**28
SINGLE = {  # the name of a signature's only output, which REST omits
    "serving_default": "z",
    "invert": "z",
    "invert_wav": "z",
    "generate": "audio",
    "generate_wav": "wav_bytes",
}


class Client:
    """Calls the signatures of a served model.

    Args:
        server: str. "host:port" for gRPC; "http://host:port" or "https://..." for REST.
        model: str. Name of the served model. Default "wavegan_inversion".
        deadline: float. Seconds for a call, including retries. Default 60.

    Raises:
        UserError: if gRPC is requested and tensorflow-serving-api is not installed.
    """

    def __init__(self, server: str, *, model: str = MODEL, deadline: float = 60.0):
        self.server = server
        self.model = model
        self.deadline = deadline
        self._call = self._rest() if server.startswith(("http://", "https://")) else self._grpc()

    def __call__(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        """Call a signature: arrays by name -> arrays by name.

        Raises:
            UserError: with the server's reason, if it refuses the input.
            UnreachableError: if it does not answer in time, or does not serve the model.
        """
        until, wait = time.monotonic() + self.deadline, FIRST_WAIT
        for attempt in range(RETRIES + 1):
            try:
                return self._call(signature, inputs, max(until - time.monotonic(), 0.01))
            except _TransientError as error:
                if attempt == RETRIES or time.monotonic() + wait > until:
                    raise self._unserved(signature, str(error)) from None
                time.sleep(wait)
                wait *= 2
        raise AssertionError("the last attempt returns or raises")

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
                code, text = error.code().name, f"{error.code().name}: {error.details()}"
                if code in TRANSIENT:
                    raise _TransientError(text) from None
                if code == "DEADLINE_EXCEEDED":
                    raise self._late(signature) from None
                raise self._refusal(signature, text, unknown=code == "NOT_FOUND") from None
            return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}

        return call

    def _rest(self):
        import requests

        session, address = requests.Session(), f"{self.server.rstrip('/')}/v1/models/{self.model}"
        headers = {"Content-Type": "application/json"}

        def call(signature, inputs, seconds):
            body = {"signature_name": signature, "inputs": {name: _to_json(value) for name, value in inputs.items()}}
            try:
                response = session.post(f"{address}:predict", json.dumps(body), headers=headers, timeout=seconds)
                if response.status_code != requests.codes.ok:
                    raise self._http_error(signature, response)
                outputs = response.json()["outputs"]
            except requests.exceptions.InvalidURL as error:
                raise UserError(f"{self.server} and the name {self.model!r} make no valid address: {error}") from None
            except requests.exceptions.Timeout:
                raise self._late(signature) from None
            except requests.exceptions.ConnectionError as error:
                raise self._connection_error(error, address, seconds) from None
            except (requests.exceptions.RequestException, ValueError, KeyError) as error:  # no JSON, no outputs
                raise _TransientError(f"{type(error).__name__}: {error}") from None
            if not isinstance(outputs, dict):
                outputs = {SINGLE[signature]: outputs}
            return {name: _from_json(value) for name, value in outputs.items()}

        return call

    def _http_error(self, signature, response):
        text = f"HTTP {response.status_code}: {_reason(response)}"
        if response.status_code in TRANSIENT_HTTP:
            return _TransientError(text)
        return self._refusal(signature, text, unknown=response.status_code == 404)

    def _connection_error(self, error, address, seconds):
        """The error for a connection that failed or broke: of another protocol, or transient.

        A server that closes the connection during a long body may be busy, or of another protocol: a short request
        distinguishes the two.
        """
        causes = list(_causes(error))
        other_protocol = any(_is_no_http(cause) for cause in causes)
        if not other_protocol and any(isinstance(cause, (BrokenPipeError, ConnectionResetError)) for cause in causes):
            other_protocol = _has_no_http(address, min(seconds, PROBE))
        if other_protocol:
            return UnreachableError(
                f"{self.server} does not speak HTTP: REST usually has port 8501; for gRPC give host:port without http://."
            )
        return _TransientError(f"{type(causes[-1]).__name__}: {causes[-1]}")

    def _unserved(self, signature, text):
        return UnreachableError(f"{self.server} does not serve {self.model}/{signature}: {text}")

    def _late(self, signature):
        return UnreachableError(
            f"{self.server} did not answer {self.model}/{signature} within {self.deadline:g} s: "
            "give a longer deadline (--deadline), or fewer clips a call (--batch-size)."
        )

    def _refusal(self, signature, text, *, unknown):
        """The error for a server's refusal: of an unknown model, or of input that it cannot use."""
        if unknown:
            return self._unserved(signature, text)
        reason = re.search(r"assertion failed: (.*)", text)  # without the place in the graph
        return UserError(f"{self.server} refused {self.model}/{signature}: {reason[1] if reason else text}")


class UnreachableError(UserError):
    """A server that does not answer, or does not serve the model."""


class _TransientError(Exception):
    """A failure that a retry may overcome."""


def _has_no_http(address, seconds):
    """Whether the server at an address answers, but not over HTTP."""
    import requests

    try:
        requests.get(address, timeout=seconds).close()
    except requests.exceptions.RequestException as error:
        return any(_is_no_http(cause) for cause in _causes(error))
    return False


def _is_no_http(error):
    """Whether an exception stands for an answer that is no HTTP, not for a closed connection."""
    return isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionResetError)


def _causes(error):
    """An exception and those that it wraps, as requests and urllib3 nest them in their arguments."""
    while isinstance(error, BaseException):
        yield error
        wrapped = [a for a in (*error.args, getattr(error, "reason", None)) if isinstance(a, BaseException)]
        error = wrapped[0] if wrapped else None


def _single(value):
    """float64 as float32, the type of the signatures; other types as they are."""
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


def _reason(response):
    try:
        return json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return response.content[:500].decode(errors="replace")
