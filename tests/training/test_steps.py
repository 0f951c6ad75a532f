"""The custom training steps, on real clips and a tiny generator."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import load_wavegan
from tf_wavegan_inv.audio.dataset import validation_batches
from tf_wavegan_inv.config import InverterConfig, SpectrogramConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.training.classifier import ClassifierTrainer
from tf_wavegan_inv.training.fit import adam
from tf_wavegan_inv.training.inverter import InverterTrainer
from tf_wavegan_inv.training.stages import random_latents, with_usable_statistics
from tf_wavegan_inv.training.strategy import make_strategy
from tf_wavegan_inv.training.trainer import GRADIENT_NORM

CONFIG = InverterConfig(width=4, perceptual_relative=True, range_weight=0.1, waveform_weight=0.5)


def make_trainer(golden, optimizer, synchronized=False, config=CONFIG):
    keras.utils.set_random_seed(1)
    generator = load_wavegan(golden("a_default"))
    classifier = build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4)
    inverter = build_inverter(16384, 1, latent_dim=100, spectrogram=SpectrogramConfig(), width=4, synchronized=synchronized)
    return InverterTrainer(inverter, generator, classifier, optimizer, config)


def batches(clips, batch_size, steps):
    dtype = keras.config.dtype_policy().compute_dtype
    audio = np.stack([clips.float_audio(i * batch_size, (i + 1) * batch_size) for i in range(steps)]).astype(dtype)
    z = np.stack([random_latents(batch_size, 100, 0, i) for i in range(steps)]).astype(dtype)
    return tf.data.Dataset.from_tensor_slices((audio, z))


def check_same_update(before, one, other):
    """Two updates are the same, and there is one: their difference is small beside the update, weight by weight."""
    for start, a, b in zip(before, one, other, strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a - start) + 1e-7
    assert any(np.linalg.norm(a - start) > 1e-3 for start, a in zip(before, one, strict=True))


def weights_of(trainer):
    return [np.array(w) for w in trainer.network.weights]  # the moving statistics of batch norm among them


def test_two_replicas_make_the_same_update_as_one(golden, real_clips, two_replicas, float64):
    """By SGD: Adam would hide a gradient that is a multiple (two workers use it, see test_workers)."""
    results = []
    for strategy in (make_strategy("one"), two_replicas):
        with strategy.scope():
            trainer = make_trainer(golden, keras.optimizers.SGD(0.01), strategy.num_replicas_in_sync > 1)
        before = weights_of(trainer)
        history = trainer.fit(batches(real_clips, 4, 2), verbose=0).history
        results.append((weights_of(trainer), history))
    (one, history_of_one), (two, history_of_two) = results
    check_same_update(before, one, two)
    assert history_of_one.keys() == history_of_two.keys()
    history_of_one.pop(GRADIENT_NORM)  # of each replica's part of the batch
    for name, values in history_of_one.items():
        np.testing.assert_allclose(values, history_of_two[name], rtol=1e-5, err_msg=name)


def test_two_replicas_train_the_classifier_as_one(real_clips, two_replicas, float64):
    results = []
    for strategy in (make_strategy("one"), two_replicas):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            network = build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4, synchronized=strategy.num_replicas_in_sync > 1)
            trainer = ClassifierTrainer(network, keras.optimizers.SGD(0.01))
        before = weights_of(trainer)
        trainer.fit(tf.data.Dataset.from_tensor_slices((real_clips.float_audio(0, 32), real_clips.labels[:32])).batch(16), verbose=0)
        results.append(weights_of(trainer))
    check_same_update(before, *results)


@pytest.mark.parametrize("joint", [False, True])
def test_a_step_is_an_update_on_real_clips_then_one_on_synthesised_or_one_on_both(golden, real_clips, float64, joint):
    """The same updates by hand, with a plain SGD."""
    config = dataclasses.replace(CONFIG, joint=joint)
    trainer, by_hand = (make_trainer(golden, keras.optimizers.SGD(0.01), config=config) for _ in range(2))
    audio, z = real_clips.float_audio(0, 8).astype(np.float64), tf.cast(random_latents(8, 100, 0, 0), tf.float64)
    before = weights_of(trainer)
    trainer.train_step((audio, z))

    network, generator, features = by_hand.network, by_hand.generator, by_hand.features

    def perceptual(target, value):
        def relative(t, v):
            axes = tuple(range(1, len(t.shape)))
            return tf.reduce_mean(tf.reduce_mean((t - v) ** 2, axes) / tf.reduce_mean(t**2, axes))

        return sum(map(relative, features(target)[0], features(value)[0])) / 8

    def descend(loss_of):
        with tf.GradientTape() as tape:
            loss = loss_of()
        for variable, gradient in zip(network.trainable_variables, tape.gradient(loss, network.trainable_variables), strict=True):
            variable.assign(variable - 0.01 * gradient)

    def real_loss():
        recovered = network(audio, training=True)
        return perceptual(audio, generator(recovered)) + 0.1 * tf.reduce_mean(tf.nn.relu(tf.abs(recovered) - 1) ** 2)

    def synthesised_loss():
        recovered = network(generator(z), training=True)
        audio, again = generator(z), generator(recovered)
        waveform = tf.reduce_mean(tf.reduce_sum((audio - again) ** 2, (1, 2)) / tf.reduce_sum(audio**2, (1, 2)))
        return tf.reduce_mean((recovered - z) ** 2) + perceptual(audio, again) + 0.5 * waveform

    for loss_of in [lambda: real_loss() + synthesised_loss()] if joint else [real_loss, synthesised_loss]:
        descend(loss_of)
    check_same_update(before, weights_of(trainer), weights_of(by_hand))


@pytest.mark.parametrize("replicas, scale", [(1, 2.0**60), (2, 2.0**15)])
def test_float16_scales_the_loss_and_leaves_out_what_overflows(real_clips, two_replicas, replicas, scale):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with two_replicas.scope() if replicas == 2 else contextlib.nullcontext():
            network, optimizer = (
                build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4, synchronized=replicas == 2),
                adam(1e-3),
            )
            optimizer.initial_scale = scale
            trainer = ClassifierTrainer(network, optimizer)
    finally:
        keras.config.set_dtype_policy("float32")
    before = [np.array(w) for w in network.trainable_weights]
    data = tf.data.Dataset.from_tensors((real_clips.float_audio(0, 4), real_clips.labels[:4]))
    logs = trainer.fit(data, verbose=0, shuffle=False).history
    moved = any((a != np.array(w)).any() for a, w in zip(before, network.trainable_weights, strict=True))
    overflown = replicas == 1
    assert moved != overflown and all(np.isfinite(values).all() for values in logs.values())
    assert (logs.get(GRADIENT_NORM, [0])[0] > 0) != overflown
    assert np.array(optimizer.dynamic_scale) == (scale / 2 if overflown else scale)


def test_float16_leaves_out_an_update_that_overflows_on_one_replica_alone(real_clips, two_replicas):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with two_replicas.scope():
            network, optimizer = (
                build_classifier(16384, 1, spectrogram=SpectrogramConfig(), width=4),
                adam(1e-3),
            )  # batch norm of each replica's own
            trainer = ClassifierTrainer(network, optimizer)
    finally:
        keras.config.set_dtype_policy("float32")
    before = [np.array(w) for w in network.trainable_weights]
    audio = real_clips.float_audio(0, 4)
    audio[2:] *= np.inf
    trainer.fit(tf.data.Dataset.from_tensors((audio, real_clips.labels[:4])), verbose=0, shuffle=False)
    for a, w in zip(before, network.trainable_weights, strict=True):
        np.testing.assert_array_equal(a, np.array(w))
    assert np.array(optimizer.dynamic_scale) == 2.0**14


def test_generator_and_classifier_stay_as_they_are(golden, real_clips):
    trainer = make_trainer(golden, keras.optimizers.Adam(1e-2))
    frozen = [*trainer.generator.weights, *trainer.features.weights]
    before = [np.array(w) for w in frozen]
    trainer.fit(batches(real_clips, 8, 2), verbose=0)
    for a, b in zip(before, frozen, strict=True):  # batch norm's moving statistics among them
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("batch_statistics", [True, False])
def test_batch_norm_can_go_by_stored_statistics(golden, real_clips, batch_statistics):
    trainer = make_trainer(golden, keras.optimizers.SGD(0.01), config=dataclasses.replace(CONFIG, batch_statistics=batch_statistics))
    moving = [w for w in trainer.network.weights if "moving" in w.path]
    before, kernel = [np.array(w) for w in moving], np.array(trainer.network.weights[0])
    trainer.fit(batches(real_clips, 4, 1), verbose=0)
    moved = [not np.array_equal(b, w) for b, w in zip(before, moving, strict=True)]
    assert moved and (all(moved) if batch_statistics else not any(moved))
    assert not np.array_equal(kernel, trainer.network.weights[0])


@pytest.mark.parametrize("init", ["scratch", "bundled"])
def test_from_scratch_there_are_no_statistics_to_go_by(init):
    assert with_usable_statistics(dataclasses.replace(CONFIG, batch_statistics=False), init).batch_statistics == (init == "scratch")


def test_features_are_computed_once_a_batch(golden, real_clips, monkeypatch):
    trainer = make_trainer(golden, keras.optimizers.SGD(0.1))
    calls, features = [], trainer.features
    monkeypatch.setattr(trainer, "features", lambda *a, **k: calls.append(1) or features(*a, **k))
    trainer.train_step((real_clips.float_audio(0, 4), random_latents(4, 100, 0, 0)))
    assert len(calls) == 4  # two targets, two reconstructions


def test_training_learns(golden, real_clips):
    trainer = make_trainer(golden, keras.optimizers.Adam(3e-3), config=dataclasses.replace(CONFIG, perceptual_weight=0.0))
    z = random_latents(8, 100, 0, 0)
    data = tf.data.Dataset.from_tensors((real_clips.float_audio(0, 8), z)).repeat(60)
    history = trainer.fit(data, epochs=2, steps_per_epoch=30, verbose=0).history["loss/latent"]
    assert history[1] < 0.7 * history[0]


@pytest.mark.parametrize("batch_size", [4, 12])
def test_validation_counts_every_clip_once_and_unknown_digits_never(golden, real_clips, two_replicas, batch_size):
    clips = real_clips.take(list(range(10)))
    clips.labels[6:] = -1
    z = random_latents(10, 100, 0, 0)
    with two_replicas.scope():
        trainer = make_trainer(golden, keras.optimizers.SGD(0.1))
    logged = trainer.evaluate(validation_batches(clips, batch_size, z), return_dict=True, verbose=0)
    assert set(logged) <= set(NAMES)
    recovered = trainer.network(trainer.generator(z))
    assert logged["loss/latent"] == pytest.approx(float(np.mean((recovered - z) ** 2)), rel=1e-3)
    heard = trainer.features(trainer.generator(trainer.network(clips.float_audio())))[1]
    assert logged["class/accuracy"] == pytest.approx(np.mean(np.argmax(heard, -1)[:6] == clips.labels[:6]))


def test_without_labels_no_accuracy_is_logged(golden, real_clips):
    trainer = make_trainer(golden, keras.optimizers.SGD(0.1))
    trainer.labelled = False
    logged = trainer.evaluate(validation_batches(real_clips.take([0, 1]), 2, random_latents(2, 100, 0, 0)), return_dict=True, verbose=0)
    assert "loss/total" in logged and "class/accuracy" not in logged
