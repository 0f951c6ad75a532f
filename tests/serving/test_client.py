"""The client, against a real gRPC PredictionService and the documented JSON contract, both answering with the loaded SavedModel."""

import base64
import concurrent.futures
import csv
import http.server
import json
import shutil
import socket
import struct
import subprocess
import threading
import time

import grpc
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.conftest import CLIPS
from tf_wavegan_inv import UserError
from tf_wavegan_inv.serving.client import Client, UnreachableError


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers with the SavedModel; the first calls fail as a server that is still loading does."""

    def __init__(self, loaded, failures=0, delay=0.0):
        self.loaded, self.failures, self.delay, self.calls = loaded, failures, delay, 0

    def Predict(self, request, context):  # noqa: N802 - the service's name
        self.calls += 1
        time.sleep(self.delay)
        if self.calls <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "still loading")
        if request.model_spec.name != "digits" or request.model_spec.signature_name not in self.loaded.signatures:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no {request.model_spec.name}/{request.model_spec.signature_name}")
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        try:
            outputs = self.loaded.signatures[request.model_spec.signature_name](**inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response


@pytest.fixture
def grpc_server(loaded):
    """Function of how many calls fail first, and of seconds before an answer -> (host:port, service)."""
    servers = []

    def start(failures=0, delay=0.0):
        sizes = [("grpc.max_receive_message_length", 2**28), ("grpc.max_send_message_length", 2**28)]
        server, service = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=sizes), Service(loaded, failures, delay)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("localhost:0")
        server.start()
        servers.append(server)
        return f"localhost:{port}", service

    yield start
    for server in servers:
        server.stop(0)


RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends a reset


@pytest.fixture
def rest_service(loaded):
    """A server of TensorFlow Serving's REST predict API, column format, that hangs up on its first `hang_ups` requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            if self.server.hang_ups:
                self.server.hang_ups -= 1
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.close_connection = True
                return
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                assert self.path == "/v1/models/digits:predict"
                signature = loaded.signatures[body["signature_name"]]
                specs = signature.structured_input_signature[1]
                inputs = {n: tf.constant(_binary(v), specs[n].dtype) for n, v in body["inputs"].items()}
                outputs = {n: _plain(n, v.numpy()) for n, v in signature(**inputs).items()}
                code, answer = 200, {"outputs": next(iter(outputs.values())) if len(outputs) == 1 else outputs}
            except (tf.errors.InvalidArgumentError, KeyError, AssertionError) as error:
                code, answer = 400, {"error": str(error)}
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    server.hang_ups = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def rest_server(rest_service):
    """http://host:port of such a server."""
    return f"http://localhost:{rest_service.server_port}"


def _binary(value):
    return [base64.b64decode(item["b64"]) for item in value] if isinstance(value[0], dict) else value


def _plain(name, value):
    if value.dtype != object:
        return value.tolist()
    assert name.endswith("_bytes")  # else the server would not encode it
    return [{"b64": base64.b64encode(item).decode()} for item in value]


def test_grpc_and_rest_give_the_models_answers(grpc_server, rest_server, call, clips):
    z = np.random.default_rng(0).uniform(-1, 1, (2, 100)).astype(np.float32)
    for server in (grpc_server()[0], rest_server):
        client = Client(server, model="digits")
        for name, inputs in (
            ("invert", {"audio": clips}),
            ("generate", {"z": z}),
            ("generate_wav", {"z": z}),
            ("classify", {"audio": clips}),
            ("refine", {"audio": clips, "steps": np.full(3, 2, np.int32)}),
        ):
            expected, found = call(name, **inputs), client(name, **inputs)
            assert set(found) == set(expected)
            for output in expected:
                if expected[output].dtype == object:
                    assert found[output].tolist() == expected[output].tolist()
                else:
                    np.testing.assert_allclose(found[output], expected[output], atol=1e-4)


def test_waits_for_a_server_that_is_loading_and_gives_up_in_time(grpc_server, clips):
    server, service = grpc_server(failures=2)
    assert Client(server, model="digits")("invert", audio=clips)["z"].shape == (3, 100) and service.calls == 3
    with socket.socket() as free:
        free.bind(("localhost", 0))
        for nobody in (f"localhost:{free.getsockname()[1]}", f"http://localhost:{free.getsockname()[1]}"):
            began = time.monotonic()
            with pytest.raises(UnreachableError, match="does not serve digits/invert"):
                Client(nobody, model="digits", deadline=2)("invert", audio=clips)
            assert time.monotonic() - began < 5


def test_a_slow_server_is_no_refusal(grpc_server, clips):
    server, service = grpc_server(delay=3)
    with pytest.raises(UnreachableError, match="did not answer digits/invert within 0.5 s: give a longer deadline"):
        Client(server, model="digits", deadline=0.5)("invert", audio=clips)
    assert service.calls == 1
    with pytest.raises(UnreachableError, match="does not speak HTTP: REST usually has port 8501"):
        Client(f"http://{server}", model="digits")("invert", audio=clips)


def test_a_server_without_http_that_hangs_up_midway(clips):
    """A connection is reset during a long body; the message names the cause."""
    listener = socket.create_server(("localhost", 0))
    count = []

    def hang_up():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                count.append(len(connection.recv(10)))
                if len(count) == 1:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                else:
                    connection.sendall(b"\x00\x00\x12\x04")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

    threading.Thread(target=hang_up, daemon=True).start()
    try:
        with pytest.raises(UnreachableError, match="does not speak HTTP"):
            Client(f"http://localhost:{listener.getsockname()[1]}", model="digits")("invert", audio=np.tile(clips, (8, 1, 1)))
        assert len(count) == 2
    finally:
        listener.close()


def test_a_busy_server_that_hangs_up_midway_is_asked_again(rest_service, rest_server, clips):
    rest_service.hang_ups = 2
    assert Client(rest_server, model="digits")("invert", audio=np.tile(clips, (8, 1, 1)))["z"].shape == (24, 100)
    assert rest_service.hang_ups == 0


def test_a_refusal_has_the_servers_reason(grpc_server, rest_server):
    for server in (grpc_server()[0], rest_server):
        with pytest.raises(UserError, match=r"digits/invert: \[audio is silent"):
            Client(server, model="digits")("invert", audio=np.zeros((1, 16384, 1)))  # float64, which is sent as float32
    with pytest.raises(UnreachableError, match="NOT_FOUND: no other/invert"):
        Client(grpc_server()[0], model="other")("invert", audio=np.zeros((1, 16384, 1), np.float32))


@pytest.mark.parametrize("steps", [0, 3])
def test_the_command_inverts_a_folder(command_line, tmp_path, grpc_server, signatures, steps):
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    files = sorted(CLIPS.glob("test/*.flac"))[:2]
    shutil.copy(files[0], folder / "a.flac")
    shutil.copy(files[1], folder / "deep" / "b.flac")
    audio, rate = soundfile.read(files[0])
    soundfile.write(folder / "late.wav", np.concatenate([np.zeros(2 * rate), audio]), rate)  # the server will find its start silent
    (folder / "text.wav").write_text("no audio")
    done = command_line("request", folder, "--server", grpc_server()[0], "--name", "digits", "--steps", steps, "--out", "out")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "out" / "inversions.csv", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert {path for path, row in rows.items() if row["status"] == "skipped"} == {"late.wav", "text.wav"}
    assert "silent" in rows["late.wav"]["note"]
    out = tmp_path / "out"
    for path in ("a.flac", "deep/b.flac"):
        z, (found, found_rate) = np.load(out / rows[path]["z"]), soundfile.read(out / rows[path]["reconstruction"])
        np.testing.assert_allclose(found, np.asarray(signatures.generator(z[None]))[0, :, 0], atol=1e-4)
        assert found_rate == 16000 and 0 <= int(rows[path]["iterations"]) <= steps and (rows[path]["objective"] != "") == bool(steps)


def test_a_second_call_keeps_the_rows_of_the_first(cli, tmp_path, grpc_server):
    """A clip beyond full scale is made softer, not cut off."""
    server, (first, second, *_) = grpc_server()[0], sorted(CLIPS.glob("test/*.flac"))
    audio, rate = soundfile.read(second)
    soundfile.write(tmp_path / "loud.wav", 4 * audio / np.abs(audio).max(), rate, subtype="FLOAT")
    for name, count in ((first, 1), (second, 2), ("loud.wav", 3), (first, 3)):
        done = cli("request", name, "--server", server, "--name", "digits", "--steps", 0, "--out", "out")
        assert done.returncode == 0, done.stderr
        with open(tmp_path / "out" / "inversions.csv", newline="") as file:
            assert len(list(csv.DictReader(file))) == count
    z = [np.load(tmp_path / "out" / f"{name}.z.npy") for name in (second.stem, "loud")]
    np.testing.assert_allclose(*z, atol=0.02)


@pytest.mark.skipif(not shutil.which("tensorflow_model_server"), reason="no tensorflow_model_server on the PATH")
def test_the_real_server(exported, clips, call):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = ["tensorflow_model_server", f"--port={port}", "--model_name=digits", f"--model_base_path={exported.parent}"]
    server = subprocess.Popen(command)
    try:
        found = Client(f"localhost:{port}", model="digits", deadline=120)("reconstruct", audio=clips)
        np.testing.assert_allclose(found["z"], call("reconstruct", audio=clips)["z"], atol=1e-4)
    finally:
        server.kill()
