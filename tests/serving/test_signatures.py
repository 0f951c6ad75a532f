"""What a served model answers: the SavedModel, loaded."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.condition import condition
from tf_wavegan_inv.serving.checks import MAX_BATCH
from tf_wavegan_inv.serving.export import export, next_version, write_configuration
from tf_wavegan_inv.serving.lite import LiteModel, write_lite
from tf_wavegan_inv.serving.warmup import FILE, protos


def wav(audio, rate=16000, subtype="PCM_16"):
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def test_signatures_equal_the_models(call, signatures, clips):
    z = signatures.inverter(clips).numpy()
    np.testing.assert_allclose(call("invert", audio=clips)["z"], z, atol=1e-5)
    np.testing.assert_allclose(call("serving_default", audio=clips)["z"], z, atol=1e-5)
    np.testing.assert_allclose(call("reconstruct", audio=clips)["audio"], signatures.generator(z), atol=1e-5)
    np.testing.assert_allclose(call("generate", z=z)["audio"], signatures.generator(z), atol=1e-5)
    found, probabilities = call("classify", audio=clips), signatures.classifier(clips).numpy()
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-5)
    np.testing.assert_array_equal(found["digit"], probabilities.argmax(axis=1))


def test_refine_goes_down_each_clip_its_own_steps(call, clips):
    found = call("refine", audio=clips, steps=np.array([0, 3, 12], np.int32))
    start = call("invert", audio=clips)["z"]
    np.testing.assert_allclose(found["z"][0], start[0], atol=1e-5)
    np.testing.assert_array_equal(found["iterations"][:2], [0, 3])
    assert found["iterations"][2] == 12
    before = call("refine", audio=clips, steps=np.zeros(3, np.int32))["objective"]
    assert found["objective"][0] == pytest.approx(before[0], rel=1e-5) and (found["objective"][1:] < before[1:]).all()


@pytest.mark.parametrize("rate, channels, seconds", [(16000, 1, 0.3), (44100, 2, 1.5), (8000, 1, 1.1), (22050, 3, 0.9)])
def test_wav_files_of_any_rate_are_read_as_local_ones(call, signatures, rate, channels, seconds):
    audio = 0.3 * np.random.default_rng(1).normal(size=(int(rate * seconds), channels)).clip(-3, 3)
    read, _ = soundfile.read(io.BytesIO(wav(audio, rate)), dtype="float32", always_2d=True)
    expected = condition(tf.constant(read), rate, signatures.audio_config, 16384)[None].numpy()
    z = call("invert", audio=expected)["z"]
    np.testing.assert_allclose(call("invert_wav", wav_bytes=[wav(audio, rate)])["z"], z, atol=1e-4)
    found = call("reconstruct_wav", wav_bytes=[wav(audio, rate)] * 2)
    decoded, served_rate = soundfile.read(io.BytesIO(found["wav_bytes"][1]), always_2d=True)
    assert served_rate == 16000
    np.testing.assert_allclose(decoded, np.asarray(signatures.generator(found["z"]))[1], atol=1e-4)


BAD = {
    "nan": ("invert", {"audio": np.full((1, 16384, 1), np.nan, np.float32)}, "NaN or infinite"),
    "integers": ("classify", {"audio": np.full((1, 16384, 1), 3000, np.float32)}, "divide 16-bit integers by 32768"),
    "silent": ("reconstruct", {"audio": np.zeros((2, 16384, 1), np.float32)}, "silent"),
    "empty batch": ("invert", {"audio": np.zeros((0, 16384, 1), np.float32)}, f"1 to {MAX_BATCH} clips a request"),
    "huge batch": ("generate", {"z": np.zeros((MAX_BATCH + 1, 100), np.float32)}, f"1 to {MAX_BATCH} clips a request"),
    "nan z": ("generate", {"z": np.full((1, 100), np.inf, np.float32)}, "NaN or infinite"),
    "no wav": ("invert_wav", {"wav_bytes": [b"no audio at all" * 5]}, "not a WAV file"),
    "empty wav": ("invert_wav", {"wav_bytes": [b""]}, "more than 44 bytes"),
    "truncated wav": ("invert_wav", {"wav_bytes": [wav(np.ones(100) / 2)[:60]]}, "Data too short"),
    "24 bits": ("invert_wav", {"wav_bytes": [wav(np.ones(100) / 2, subtype="PCM_24")]}, "WAV file of 16-bit integers"),
    "float wav": ("invert_wav", {"wav_bytes": [wav(np.ones(100) / 2, subtype="FLOAT")]}, "WAV file of 16-bit integers"),
    "negative steps": ("refine", {"audio": np.ones((1, 16384, 1), np.float32), "steps": np.array([-1], np.int32)}, "must be in 0..1000"),
    "too many steps": ("refine", {"audio": np.ones((1, 16384, 1), np.float32), "steps": np.array([1001], np.int32)}, "must be in 0..1000"),
    "rate": ("classify_wav", {"wav_bytes": [wav(np.ones(100) / 2, 2000)]}, "sample rate must be"),
    "steps": ("refine", {"audio": np.ones((2, 16384, 1), np.float32), "steps": np.ones(1, np.int32)}, "steps must hold one number a clip"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_words(call, name, clips):
    signature, inputs, message = BAD[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(signature, **inputs)
    assert np.isfinite(call("invert", audio=clips)["z"]).all()  # and the next is served


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 60), value=st.integers(0, 255), length=st.integers(0, 300))
def test_damaged_wav_files_are_refused_or_read(call, place, value, length):
    data = bytearray(wav(0.5 * np.sin(np.arange(200))))
    data[place] = value
    try:
        z = call("invert_wav", wav_bytes=[bytes(data[:length])])["z"]
    except tf.errors.InvalidArgumentError:
        return
    assert np.isfinite(z).all()


def test_half_weights_take_half_the_room(exported, signatures, clips, tmp_path):
    path = export(signatures, tmp_path, version=1, weights="float16")
    sizes = [(p / "variables" / "variables.data-00000-of-00001").stat().st_size for p in (exported, path)]
    assert sizes[1] < 0.52 * sizes[0]
    served, z = tf.saved_model.load(str(path)).signatures, signatures.inverter(clips).numpy()
    found = served["invert"](audio=tf.constant(clips))["z"].numpy()
    error = np.sqrt(((found - z) ** 2).mean() / (z**2).mean())
    assert 0 < error < 0.005
    audio = served["generate"](z=tf.constant(z))["audio"].numpy()
    np.testing.assert_allclose(audio, signatures.generator(z), atol=0.015)
    refined = served["refine"](audio=tf.constant(clips), steps=tf.constant([0, 3, 3]))
    assert np.isfinite(refined["objective"].numpy()).all()


def test_float16_says_what_it_cannot_hold(signatures, tmp_path):
    weight = signatures.classifier.get_layer("stem_norm").moving_variance
    before = weight.numpy()
    weight.assign(before * 1e9)
    try:
        with pytest.raises(UserError, match="float16 cannot hold the weight .*moving_variance.* give --weights bfloat16"):
            export(signatures, tmp_path, version=1, weights="float16")
    finally:
        weight.assign(before)
    assert not any(p.name.isdigit() for p in tmp_path.iterdir())


@pytest.fixture(params=["ai_edge_litert", "tf.lite"])
def interpreter(request, monkeypatch):
    """Each module that runs .tflite files."""
    if request.param == "tf.lite":
        monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    return request.param


@pytest.mark.parametrize("kind, tolerance, share", [("float32", 1e-5, 1.1), ("int8", 0.2, 0.45)])
def test_lite_answers_at_any_batch_size(exported, signatures, clips, tmp_path, interpreter, kind, tolerance, share):
    write_lite(exported, tmp_path / "model.tflite", kind=kind)
    model, z = LiteModel(tmp_path / "model.tflite"), signatures.inverter(clips).numpy()
    assert type(model.interpreter).__module__.startswith("ai_edge" if interpreter == "ai_edge_litert" else "tensorflow")
    for wrong in (clips[0], clips[:, :8000], clips[..., 0]):
        with pytest.raises(UserError, match=r"reconstruct takes {'audio': \(-1, 16384, 1\)} \(-1: any batch\), received"):
            model("reconstruct", audio=wrong)
    for batch in (3, 1):
        found = model("reconstruct", audio=clips[:batch].astype(np.float64))
        assert np.sqrt(((found["z"] - z[:batch]) ** 2).mean() / (z[:batch] ** 2).mean()) < tolerance
        np.testing.assert_allclose(model("generate", z=z[:batch])["audio"], signatures.generator(z[:batch]), atol=2 * tolerance)
        assert model("classify", audio=clips[:batch])["digit"].shape == (batch,)
    parameters = sum(m.count_params() for m in (signatures.generator, signatures.inverter, signatures.classifier))
    assert (tmp_path / "model.tflite").stat().st_size < 4 * share * parameters + 500_000


def test_ops_are_those_of_a_stock_server(exported):
    """Every op of the graph is in TensorFlow's own registry, in a process that has loaded nothing else."""
    script = f"""
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
model = saved_model_pb2.SavedModel.FromString(open({str(exported / "saved_model.pb")!r}, "rb").read())
ops = set()
for meta in model.meta_graphs:
    ops |= {{node.op for node in meta.graph_def.node}}
    functions = {{f.signature.name for f in meta.graph_def.library.function}}
    ops |= {{node.op for f in meta.graph_def.library.function for node in f.node_def}}
unknown = [op for op in ops - functions if op_def_registry.get(op) is None or op in ("PyFunc", "EagerPyFunc", "PyFuncStateless")]
print(len(ops), sorted(unknown))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    count, unknown = done.stdout.strip().split(" ", 1)
    assert int(count) > 50 and unknown == "[]", done.stderr[-500:]


def test_every_warmup_record_is_answered(exported, loaded, signatures):
    _, log = protos()
    names = []
    for record in tf.data.TFRecordDataset(str(exported / FILE)):
        request = log.PredictionLog.FromString(record.numpy()).predict_log.request
        names.append(request.model_spec.signature_name)
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        outputs = loaded.signatures[names[-1]](**inputs)
        assert request.model_spec.name == "digits" and all(len(value) in (1, 3) for value in outputs.values())
    assert names == [*signatures.functions()] * 2


def test_saved_model_cli_shows_every_signature(exported, signatures):
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "show", "--dir", str(exported), "--all"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    for name, (_, inputs) in signatures.functions().items():
        part = done.stdout.split(f"signature_def['{name}']:")[1].split("signature_def[")[0]
        assert all(f"inputs['{argument}']" in part for argument in inputs) and "Method name is: tensorflow/serving/predict" in part


def test_versions_are_never_overwritten_and_appear_whole(exported, signatures):
    folder = exported.parent
    assert next_version(folder) == 2 and json.loads((exported / "assets.extra" / "export.json").read_text()) == {"made": "here"}
    with pytest.raises(UserError, match="never overwritten"):
        export(signatures, folder, version=1)

    def fail(path):
        assert not path.name.isdigit()  # no server takes it for a version
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        export(signatures, folder, version=2, add=fail)
    write_configuration(folder, name="digits")
    assert {p.name for p in folder.iterdir()} == {"1", "models.config", "batching_parameters.txt"}


def test_configuration_is_what_the_server_parses(tmp_path):
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    write_configuration(tmp_path, name="digits")
    config = text_format.Parse((tmp_path / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())
    assert config.model_config_list.config[0].name == "digits"
