"""Generators that are no WaveGAN."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError, invert, load_generator, load_recipe
from tf_wavegan_inv.files import checksum
from tf_wavegan_inv.models.generator import GeneratorModel, as_generator

CONFIG = dataclasses.replace(load_recipe("best").inversion, perceptual=0.0, log_stft=0.0, waveform=1.0)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(64, "tanh")])


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generators")
    model.save(folder / "model.keras")
    model.export(folder / "saved", verbose=False)
    return folder


@pytest.mark.parametrize("source", ["model.keras", "saved", None])
def test_recovers_z_in_its_own_range(model, saved, source):
    z = np.random.default_rng(0).uniform(-3, 3, (4, 4)).astype(np.float32)
    generator = load_generator(saved / source if source else model, latent_range=(-3, 3))
    assert generator.input_shape == (None, 4) and generator.output_shape == (None, 64, 1)
    result = invert(np.asarray(model(z))[..., None], generator, method="gradient", config=CONFIG)
    assert result.status == ["exact"] * 4
    np.testing.assert_allclose(generator.latent.to_own(result.z), z, atol=1e-2)


def test_any_function_of_tensors():
    generator = load_generator(lambda z: tf.tanh(tf.repeat(z, 8, axis=1)), latent_dim=3)
    assert generator.output_shape == (None, 24, 1)
    with pytest.raises(UserError, match="does not state the size of its z"):
        load_generator(lambda z: z)


def test_what_is_no_generator_is_refused(saved, tmp_path, model):
    (tmp_path / "broken.keras").write_bytes(b"no")
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "saved_model.pb").write_bytes(b"no")
    for path, message in [
        (tmp_path, "No generator at"),
        (tmp_path / "broken.keras", "cannot be read as a Keras model"),
        (tmp_path / "cut", "cannot be read as a SavedModel"),
    ]:
        with pytest.raises(UserError, match=message):
            load_generator(path, latent_dim=4)
    with pytest.raises(UserError, match="no signature 'generate'; it has .*serving_default"):
        load_generator(saved / "saved", signature="generate")
    with pytest.raises(UserError, match=r"cannot take z \[2, 7\]"):
        load_generator(model, latent_dim=7)
    with pytest.raises(UserError, match="not differentiable by z"):
        load_generator(lambda z: tf.round(tf.repeat(z, 8, axis=1)), latent_dim=3)
    with pytest.raises(UserError, match="latent_range must be"):
        load_generator(model, latent_range=(1, -1))
    with pytest.raises(UserError, match=r"made float32 \[2\]"):
        load_generator(lambda z: tf.reduce_sum(z, axis=1), latent_dim=3)


def test_every_generator_has_the_same_form(model, saved, tiny_generator, latents):
    any_model = load_generator(saved / "model.keras", latent_range=(-3, 3))
    for generator, kind, size in [(tiny_generator, "wavegan", 100), (any_model, "generator", 4)]:
        assert isinstance(generator, GeneratorModel) and as_generator(generator) is generator
        assert generator.latent.size == size and generator.clip_shape == generator.output_shape[1:]
        identity = generator.identity()
        assert identity.kind == kind and identity.sha256 == checksum(identity.file)
        z = tf.constant(generator.latent.sample(2, np.random.default_rng(0)))
        audio, jacobian = generator.jacobian(z)
        np.testing.assert_allclose(audio, tf.reshape(generator(z), [2, -1]), atol=1e-5)
        assert jacobian.shape == (2, size, audio.shape[1])
    assert any_model.latent.range == [-3, 3] and any_model.identity().file == saved / "model.keras"
    copy = tiny_generator.trainable_copy()
    assert copy.trainable_variables and copy is not tiny_generator
    np.testing.assert_allclose(copy(latents(2)), tiny_generator(latents(2)), atol=1e-5)
    with pytest.raises(UserError, match="is no WaveGAN"):
        any_model.trainable_copy()
    assert isinstance(as_generator(model), GeneratorModel)
