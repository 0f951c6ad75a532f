"""Weights from graphs: a frozen .pb, and the published pair infer.meta + model.ckpt."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import Generator, UserError, load_wavegan
from tf_wavegan_inv.wavegan.checkpoint import official_values, save_wavegan_checkpoint

v1 = tf.compat.v1


def official_graph(generator, samples_known=True):
    """A TensorFlow 1 graph with the official code's ops and names, and a session that holds the generator's weights."""
    config, values, graph = generator.config, official_values(generator), tf.Graph()
    with graph.as_default():
        z = v1.placeholder(tf.float32, [None, config.latent_dim], "z")
        with v1.variable_scope("G"):
            variables = {n: v1.get_variable(n[2:], v.shape, use_resource=False) for n, v in values.items()}
            dense = tf.matmul(z, variables["G/z_project/dense/kernel"]) + variables["G/z_project/dense/bias"]
            x = tf.reshape(dense, [-1, config.projected_len, config.projected_channels])
            for i, stride in enumerate(config.strides):
                with v1.variable_scope(f"upconv_{i}"):
                    x = tf.nn.relu(x)
                    scope = "conv2d_transpose" if config.upsample == "zeros" else "conv1d"
                    kernel, bias = (variables[f"G/upconv_{i}/{scope}/{part}"] for part in ("kernel", "bias"))
                    if config.upsample == "zeros":
                        shape = [v1.shape(x)[0], 1, stride * int(x.shape[1]), config.filters[i]]
                        x = v1.nn.conv2d_transpose(x[:, None], kernel, shape, [1, 1, stride, 1], "SAME")[:, 0] + bias
                    else:
                        x = v1.image.resize_nearest_neighbor(x[:, None], [1, stride * int(x.shape[1])])[:, 0]
                        x = tf.nn.conv1d(x, kernel, 1, "SAME") + bias
            x = tf.tanh(x)
        tf.identity(x if samples_known else tf.reshape(x, v1.shape(x)), "G_z")
        session = v1.Session(graph=graph)
        for name, variable in variables.items():
            variable.load(values[name], session)
    return graph, session


LONG = [(slice_len, upsample) for slice_len in (32768, 65536) for upsample in ("zeros", "nn")]


@pytest.mark.parametrize("slice_len, upsample", [(16384, "zeros"), *LONG])
def test_frozen_graph(tmp_path, slice_len, upsample):
    generator = Generator(dim=1, latent_dim=7, slice_len=slice_len, upsample=upsample)
    graph, session = official_graph(generator, samples_known=False)
    frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["G_z"])
    (tmp_path / "frozen.pb").write_bytes(frozen.SerializeToString())
    loaded = load_wavegan(tmp_path)
    assert loaded.config == generator.config
    z = np.random.default_rng(0).uniform(-1, 1, (2, 7)).astype(np.float32)
    np.testing.assert_allclose(loaded(z), generator(z), atol=1e-6)
    np.testing.assert_allclose(loaded(z), session.run("G_z:0", {"z:0": z}), atol=1e-5)


@pytest.mark.parametrize("samples_known", [True, False])
@pytest.mark.parametrize("slice_len, upsample", LONG)
def test_published_pair(tmp_path, slice_len, upsample, samples_known):
    generator = Generator(dim=1, latent_dim=7, slice_len=slice_len, upsample=upsample)
    save_wavegan_checkpoint(generator, tmp_path / "model.ckpt")
    with official_graph(generator, samples_known)[0].as_default():
        v1.train.export_meta_graph(str(tmp_path / "infer.meta"), as_text=False)
    for path in (tmp_path, tmp_path / "infer.meta", tmp_path / "model.ckpt"):
        assert load_wavegan(path).config == generator.config


def test_training_folder_says_its_length(golden, tmp_path):
    shutil.copytree(golden("e_slice32768_nch2"), tmp_path / "run")
    (tmp_path / "run" / "args.txt").write_text("data_slice_len,32768\nwavegan_dim,4\n")
    assert load_wavegan(tmp_path / "run").config.slice_len == 32768


def test_what_is_saved_says_its_length_and_a_run_folder_its_checkpoint(tmp_path):
    generator = Generator(dim=1, slice_len=65536)
    save_wavegan_checkpoint(generator, tmp_path / "run" / "wavegan" / "model.ckpt")
    assert load_wavegan(tmp_path / "run").config == generator.config


@pytest.mark.parametrize("content, message", [(b"not a graph at all", "is not a TensorFlow GraphDef"), (b"", "no graph nodes")])
def test_no_graph(tmp_path, content, message):
    (tmp_path / "frozen.pb").write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_wavegan(tmp_path / "frozen.pb")


def test_graph_without_weights(tmp_path):
    graph, _ = official_graph(Generator(dim=1))
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UserError, match="No WaveGAN generator"):
        load_wavegan(tmp_path / "graph.pb")


def test_a_pickle(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04\x95")
    with pytest.raises(UserError, match=r"model\.pkl is a file, but no checkpoint or frozen graph"):
        load_wavegan(tmp_path / "model.pkl")
