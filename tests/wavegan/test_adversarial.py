"""Losses, gradients and the official sequence of updates, against the official code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import thinned
from tf_wavegan_inv import load_discriminator, load_wavegan
from tf_wavegan_inv.training.wavegan import WaveGANTrainer
from tf_wavegan_inv.wavegan.variables import official_shape, variables_of

pytestmark = pytest.mark.smoke

FOLDERS = {"wgan-gp": "wgan_gp", "wgan": "loss_wgan", "lsgan": "loss_lsgan", "dcgan": "loss_dcgan"}


@pytest.fixture(params=FOLDERS)
def case(request, golden):
    folder = golden(FOLDERS[request.param])
    expected = dict(np.load(folder / "golden.npz"))
    expected.setdefault("alpha", np.zeros((6, 4, 1, 1), np.float32))
    generator = load_wavegan(folder / "before", frozen=False)
    return WaveGANTrainer(generator, load_discriminator(folder / "before"), request.param), expected


def close(ours, theirs, tolerance=1e-4):
    assert np.abs(np.asarray(ours) - theirs).max() <= tolerance * np.abs(theirs).max() + 1e-8  # differences of logits may cancel


def test_losses_and_penalties(case):
    trainer, golden = case
    for i in range(5):
        inputs = golden["x"][i], trainer.network(golden["z"][i]), golden["alpha"][i], golden["shifts"][i]
        loss, values = trainer.discriminator_losses(*(tf.constant(each) for each in inputs))
        close(tf.reduce_mean(loss), golden["D_loss"][i])
        close(values["wavegan/logit_real"], golden["D_x"][i])
        close(values["wavegan/logit_fake"], golden["D_G_z"][i])
        if "gradient_penalty" in golden:
            close(tf.reduce_mean(values["loss/gradient_penalty"]), golden["gradient_penalty"][i])
    for i in range(6):
        close(tf.reduce_mean(trainer.generator_losses(golden["z"][i], golden["shifts"][i, 1])[0]), golden["G_loss"][i])


def test_gradients(case):
    trainer, golden = case
    z, x, alpha, shifts = (tf.constant(golden[name][1]) for name in ("z", "x", "alpha", "shifts"))
    for kind, network, loss_of in (
        ("D_loss", trainer.discriminator, lambda: trainer.discriminator_losses(x, trainer.network(z), alpha, shifts)[0]),
        ("G_loss", trainer.network, lambda: trainer.generator_losses(z, shifts[1])[0]),
    ):
        named = {name: v for name, v in variables_of(network).items() if v.trainable}
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of())
        gradients = tape.gradient(loss, [v.value for v in named.values()])
        scale = max(np.abs(golden[f"grad_step1/{kind}/{name}"]).max() for name in named)
        for name, gradient in zip(named, gradients, strict=True):
            theirs = golden[f"grad_step1/{kind}/{name}"]
            ours = thinned(np.reshape(gradient, official_shape(name, gradient.shape)))
            assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max() + 1e-7 * scale


def test_five_updates_of_the_discriminator_then_one_of_the_generator(case):
    trainer, golden = case
    z, x, alpha, shifts = (tf.constant(golden[name]) for name in ("z", "x", "alpha", "shifts"))
    for i in range(5):
        trainer.means["loss/discriminator"].reset_state()
        close(trainer.discriminator_step(x[i], z[i], alpha[i], shifts[i])["loss/discriminator"], golden["seq_D_loss"][i])
    close(trainer.generator_step(z[5], shifts[5, 1])["loss/generator"], golden["seq_G_loss"])
    _, after = trainer.discriminator_losses(x[0], trainer.network(z[0]), alpha[0], shifts[0])
    close(after["wavegan/logit_real"], golden["after/D_x"])
    close(after["wavegan/logit_fake"], golden["after/D_G_z"])
    close(tf.reduce_mean(trainer.generator_losses(z[0], shifts[0, 1])[0]), golden["after/G_loss"])
    if trainer.loss_kind.clip:
        assert all(np.abs(v).max() <= 0.01 for v in trainer.discriminator.get_weights())


def test_mixed_precision_keeps_losses_and_audio_in_float32(golden):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        folder = golden("wgan_gp")
        generator, discriminator = load_wavegan(folder / "before", frozen=False), load_discriminator(folder / "before")
    finally:
        keras.config.set_dtype_policy("float32")
    expected, trainer = np.load(folder / "golden.npz"), WaveGANTrainer(generator, discriminator)
    audio = generator(expected["z"][0])
    loss, _ = trainer.discriminator_losses(
        *(tf.constant(x) for x in (expected["x"][0], audio, expected["alpha"][0], expected["shifts"][0]))
    )
    assert audio.dtype == loss.dtype == tf.float32
    close(tf.reduce_mean(loss), expected["D_loss"][0], 0.02)


def test_a_step_is_that_sequence(case):
    trainer, golden = case
    other = WaveGANTrainer(type(trainer.network)(trainer.network.config), type(trainer.discriminator)(trainer.network.config))
    assert other.updates == 5
    data = {
        "audio": np.moveaxis(golden["x"], 0, 1),
        "z": np.moveaxis(golden["z"], 0, 1),
        "alpha": np.moveaxis(golden["alpha"][:5, :, 0, 0], 0, 1),
        "shifts": np.repeat(np.concatenate([golden["shifts"], golden["shifts"][:, -1:]], 1)[None, :, :3], 4, 0),
    }
    logs = trainer.train_step({name: tf.constant(value) for name, value in data.items()})
    close(logs["loss/discriminator"], golden["seq_D_loss"].mean())
    close(logs["loss/generator"], golden["seq_G_loss"])
