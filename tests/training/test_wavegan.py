"""Training a WaveGAN: replicas, state in the official format, and what is fed."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError, load_wavegan
from tf_wavegan_inv.audio.slices import Slices
from tf_wavegan_inv.config import InverterConfig, SpectrogramConfig, WaveGANTrainingConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.recipe import Recipe
from tf_wavegan_inv.training.fit import rate_of
from tf_wavegan_inv.training.wavegan_stage import make_joint, make_trainer, training_inputs
from tf_wavegan_inv.training.wavegan_state import restore_state, save_state, saved_steps, state_values
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.variables import variables_of

TRAINING = WaveGANTrainingConfig(batch_size=4, updates=2, average=0.9)
PROJECTED = dataclasses.replace(TRAINING, projected_weight=1.0)
JOINT = dataclasses.replace(PROJECTED, updates=0, joint_weight=1.0)


@pytest.fixture(scope="module")
def slices(real_clips):
    audio = real_clips.audio[:12].reshape(-1, 1)
    starts = np.arange(12) * 16384
    return Slices(audio, starts, starts + 16384, 16384, 0, False)


def joint_recipe(training):
    inverter = InverterConfig(width=4, log_stft_weight=1.0, range_weight=1.0)
    return Recipe("joint", inverter=inverter, wavegan=training)


def trainer_at(checkpoint, training=TRAINING):
    keras.utils.set_random_seed(0)
    classifier = build_classifier(16384, 1, spectrogram=SpectrogramConfig("log_magnitude"), width=4) if training.projected_weight else None
    joint = make_joint(WaveGANConfig(dim=4), joint_recipe(training), classifier) if training.joint_weight else None
    trainer = make_trainer(WaveGANConfig(dim=4), training, classifier, joint=joint)
    step, absent = restore_state(trainer, checkpoint)
    return trainer, step, absent


def weights(trainer):
    networks = [trainer.network, trainer.average, trainer.discriminator, trainer.projected]
    networks += [trainer.joint.network, trainer.joint.average] if trainer.joint else []
    return [np.array(w) for network in networks if network for w in variables_of(network).values()]


def fit(trainer, slices, first, steps, training=TRAINING):
    trainer.fit(training_inputs(slices, training, 100, 0, first), steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)


def test_official_training_checkpoint_goes_in_and_out_bit_for_bit(golden):
    trainer, step, absent = trainer_at(golden("trained"))
    assert (step, absent) == (50, [])
    assert int(trainer.network_optimizer.iterations) == 50
    assert int(trainer.discriminator_optimizer.iterations) == 251  # the official hook saved after the first update of the next five
    reader = tf.train.load_checkpoint(str(golden("trained")))
    ours = {name: value for name, value in state_values(trainer, step).items() if "Average" not in name}
    assert set(ours) == set(reader.get_variable_to_shape_map())
    for name, value in ours.items():
        theirs = reader.get_tensor(name)
        if name.startswith("beta"):  # products of 50 or 250 roundings there
            np.testing.assert_allclose(value, theirs, rtol=1e-4, atol=1e-30)
        else:
            assert value.dtype == theirs.dtype
            np.testing.assert_array_equal(value, theirs, err_msg=name)


@pytest.mark.parametrize(
    "training", [TRAINING, dataclasses.replace(TRAINING, loss="lsgan"), PROJECTED, JOINT], ids=["wgan-gp", "lsgan", "projected", "joint"]
)
def test_resumes_bit_for_bit(golden, slices, tmp_path, training):
    straight, *_ = trainer_at(golden("a_default"), training)
    fit(straight, slices, 0, 4, training)

    first, *_ = trainer_at(golden("a_default"), training)
    fit(first, slices, 0, 2, training)
    save_state(first, tmp_path, 2, keep=3)
    second, step, absent = trainer_at(tmp_path, training)
    assert (step, absent) == (2, [])
    fit(second, slices, 2, 2, training)
    for a, b in zip(weights(straight), weights(second), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("training", [TRAINING, PROJECTED], ids=["official", "projected"])
def test_two_replicas_train_as_one(golden, slices, two_replicas, float64, training):
    def trained(scope):
        with scope:
            trainer, *_ = trainer_at(golden("trained"), training)
            before = weights(trainer)
            inputs = training_inputs(slices, training, 100, 0, 0).map(
                lambda x: {k: tf.cast(v, tf.float64) if v.dtype == tf.float32 else v for k, v in x.items()}
            )
            trainer.fit(inputs, steps_per_epoch=2, epochs=1, verbose=0, shuffle=False)
        assert rate_of(trainer.network_optimizer) == pytest.approx(1e-4)  # of WGAN-GP
        return before, weights(trainer), state_values(trainer, 2)

    before, two, state = trained(two_replicas.scope())
    _, one, state_of_one = trained(tf.distribute.get_strategy().scope())
    assert state.keys() == state_of_one.keys()
    for name in (name for name in state if name.startswith("beta")):  # of how many updates were made
        assert state[name] == state_of_one[name], name
    for start, a, b in zip(before, one, two, strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a - start) + 1e-9
    assert all(np.abs(a - start).max() > 0 for start, a in zip(before, one, strict=True) if a.ndim > 1)


def test_moving_average(golden, slices):
    trainer, *_ = trainer_at(golden("trained"))
    start = [np.array(w) for w in trainer.network.weights]
    fit(trainer, slices, 0, 1)
    for mean, before, after in zip(trainer.average.weights, start, trainer.network.weights, strict=True):
        np.testing.assert_allclose(mean, 0.9 * before + 0.1 * np.array(after), atol=1e-6)


def test_moving_average_is_loaded_by_name(golden, slices, tmp_path):
    trainer, *_ = trainer_at(golden("trained"))
    fit(trainer, slices, 0, 1)
    save_state(trainer, tmp_path, 1, keep=1)
    for average, network in ((False, trainer.network), (True, trainer.average)):
        loaded = load_wavegan(tmp_path, frozen=False, average=average)
        for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UserError, match="no moving average"):
        load_wavegan(golden("trained"), average=True)


def test_batch_norm_follows_every_use_of_the_generator(golden, slices):
    trainer = make_trainer(load_wavegan(golden("c_batchnorm")).config, TRAINING)
    restore_state(trainer, golden("c_batchnorm"))
    statistics = variables_of(trainer.discriminator)["D/downconv_1/batch_normalization/moving_mean"]
    unused = np.array(statistics)
    norm = variables_of(trainer.network)["G/upconv_0/batch_normalization/moving_variance"]
    before = np.array(norm)
    fit(trainer, slices, 0, 1)
    assert np.abs(np.array(norm) - before).max() > 0
    np.testing.assert_array_equal(statistics, unused)


def test_generator_alone_begins_with_a_new_discriminator(tmp_path, tiny_generator):
    from tf_wavegan_inv import save_wavegan_checkpoint

    save_wavegan_checkpoint(tiny_generator, tmp_path / "model.ckpt")
    _, step, absent = trainer_at(tmp_path)
    assert (step, absent) == (0, ["discriminator", "optimiser"])


def test_keeps_the_newest_checkpoints(golden, tmp_path):
    trainer, *_ = trainer_at(golden("trained"))
    for step in (1, 2, 3):
        save_state(trainer, tmp_path, step, keep=2)
    assert sorted(saved_steps(tmp_path)) == [2, 3]
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-3")
    assert not [p for p in tmp_path.iterdir() if "partial" in p.name]


def test_weights_that_are_not_finite_replace_no_checkpoint(golden, tmp_path):
    trainer, *_ = trainer_at(golden("trained"))
    save_state(trainer, tmp_path, 1, keep=1)
    trainer.network.upconvs[0].bias.assign(np.full(32, np.nan, np.float32))
    with pytest.raises(UserError, match="diverged before step 2"):
        save_state(trainer, tmp_path, 2, keep=1)
    assert saved_steps(tmp_path) == [1]


def test_inputs_depend_on_seed_and_step_alone(slices):
    def take(first, count, seed=0):
        return list(training_inputs(slices, TRAINING, 100, seed, first).take(count).as_numpy_iterator())

    run, later, other = take(0, 3), take(2, 1), take(2, 1, seed=1)
    for name in run[0]:
        np.testing.assert_array_equal(run[2][name], later[0][name])
        assert np.abs(run[2][name] - other[0][name]).max() > 0
        assert np.abs(run[1][name] - run[2][name]).max() > 0
    assert run[0]["audio"].shape == (4, 2, 16384, 1) and run[0]["shifts"].shape == (4, 3, 3, 4)
    assert np.abs(run[0]["shifts"]).max() == 2 and (run[0]["shifts"] == run[0]["shifts"][:1]).all()
    assert np.abs(run[0]["z"]).max() <= 1 and np.ptp(run[0]["alpha"]) > 0.1


def test_a_state_cut_short_is_said_to_be(golden, tmp_path):
    """Also where the last bytes alone are gone, which hold the number of steps."""
    trainer, *_ = trainer_at(golden("trained"))
    save_state(trainer, tmp_path, 3, keep=1)
    data = tmp_path / "model.ckpt-3.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(UserError, match="global_step cannot be read, the file is cut short"):
        restore_state(trainer, tmp_path / "model.ckpt-3")


def test_a_second_discriminator_needs_its_own_classifier(golden, tmp_path):
    trainer, *_ = trainer_at(golden("trained"), PROJECTED)
    save_state(trainer, tmp_path, 3, keep=1)
    other = make_trainer(
        WaveGANConfig(dim=4), PROJECTED, build_classifier(16384, 1, spectrogram=SpectrogramConfig("log_magnitude"), width=8)
    )
    with pytest.raises(UserError, match="give the one that it was trained through"):
        restore_state(other, tmp_path / "model.ckpt-3")


def test_an_inverter_in_the_same_step_learns_to_reconstruct_real_clips(golden, slices):
    """Its losses reach the generator too: with no adversary's weight both change, and reconstructions come nearer."""
    training = dataclasses.replace(JOINT, projected_weight=1e-9, learning_rate=1e-3, balanced=True)
    trainer, _, absent = trainer_at(golden("a_default"), training)
    assert {"discriminator on the classifier's features", "inverter"} <= set(absent) and trainer.discriminator is None
    data = next(iter(training_inputs(slices, training, 100, 0, 0)))

    def losses():
        _, parts = trainer.joint.losses(
            trainer.network, data["audio"][:, 0], data["z"][:, 0], trainer.network(data["z"][:, 0]), data["directions"][0]
        )
        return {name: float(tf.reduce_mean(value)) for name, value in parts.items()}

    before, weights_before = losses(), weights(trainer)
    trainer.fit(tf.data.Dataset.from_tensors(data).repeat(), steps_per_epoch=12, epochs=1, verbose=0, shuffle=False)
    after = losses()
    assert after["loss/log_stft"] < before["loss/log_stft"] and after["loss/perceptual_real"] < before["loss/perceptual_real"]
    changed = [np.abs(a - b).max() > 0 for a, b in zip(weights_before, weights(trainer), strict=True) if a.ndim > 1]
    assert all(changed)


def test_official_readers_pass_over_the_inverter(golden, slices, tmp_path):
    trainer, *_ = trainer_at(golden("a_default"), JOINT)
    save_state(trainer, tmp_path, 1, keep=1)
    names = tf.train.load_checkpoint(str(tmp_path)).get_variable_to_shape_map()
    assert {name.split("/")[0] for name in names if "/" in name} == {"G", "P", "E"}
    for ours, theirs in zip(load_wavegan(tmp_path, frozen=False).get_weights(), trainer.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_adversary_at_all_is_refused():
    with pytest.raises(UserError, match="updates = 0 needs another adversary"):
        WaveGANTrainingConfig(updates=0)
