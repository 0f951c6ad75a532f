import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError
from tf_wavegan_inv.recipe import recipe_from_dict
from tf_wavegan_inv.training.fit import segments
from tf_wavegan_inv.training.run import Run
from tf_wavegan_inv.training.strategy import make_strategy
from tf_wavegan_inv.training.workers import Workers


def begin(run):
    """Track a small network; returns it and the steps done."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD()
    optimizer.build(network.trainable_variables)
    return network, run.track(network, optimizer, Workers(tf.distribute.get_strategy()))


def test_a_run_that_was_refused_claims_nothing(tmp_path):
    Run(tmp_path / "new", {"seed": 0})
    assert not (tmp_path / "new").exists()


def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, caplog):
    run = Run(tmp_path, {})
    network, _ = begin(run)
    for step, value in ((1, 1.0), (2, 2.0)):
        network.set_weights([np.full((2, 1), value), np.zeros(1)])
        run.save_state(step)
    newest = tmp_path / "state" / "ckpt-2.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:40])
    network, done = begin(Run(tmp_path, {}))
    assert done == 1 and network.get_weights()[0].tolist() == [[1.0], [1.0]] and "ckpt-2 is damaged" in caplog.text
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="config.json is damaged"):
        Run(tmp_path, {})


def test_a_run_of_other_options_is_refused_and_says_which(tmp_path):
    config = {"stage": "inverter", "seed": 0, "recipe": {"inverter": {"width": 16, "epochs": 3}}, "versions": {"keras": "a"}}
    begin(Run(tmp_path, config))
    Run(tmp_path, config | {"versions": {"keras": "b"}})
    Run(tmp_path, config | {"recipe": {"inverter": {"width": 16, "epochs": 9}}})
    Run(tmp_path, config | {"recipe": config["recipe"] | {"classifier": {"width": 4}, "inversion": {"waveform": 1}}})  # of no concern to it
    Run(tmp_path, config | {"recipe": recipe_from_dict(config["recipe"]).to_dict()})  # an earlier version had fewer options
    with pytest.raises(UserError, match=r"recipe\.inverter\.width: was 16, is 32"):
        Run(tmp_path, config | {"recipe": {"inverter": {"width": 32, "epochs": 3}}})


def test_a_joint_inverters_options_are_a_wavegans(tmp_path):
    config = {"stage": "wavegan", "recipe": {"wavegan": {"joint_weight": 0.0}, "inverter": {"width": 16}}}
    other = {"inverter": {"width": 32}}
    begin(Run(tmp_path / "alone", config))
    Run(tmp_path / "alone", config | {"recipe": config["recipe"] | other})
    config["recipe"] |= {"wavegan": {"joint_weight": 1.0}}
    begin(Run(tmp_path / "joint", config))
    with pytest.raises(UserError, match=r"recipe\.inverter\.width: was 16, is 32"):
        Run(tmp_path / "joint", config | {"recipe": config["recipe"] | other})


def test_history_replaces_an_epoch_done_again(tmp_path):
    run = Run(tmp_path, {})
    begin(run)
    for epoch, loss in ((1, 5), (2, 4), (3, 3), (2, 2)):
        run.add_history({"epoch": epoch, "loss/total": loss})
    assert [(r["epoch"], r["loss/total"]) for r in run.history()] == [("1", "5"), ("2", "2")]


@pytest.mark.parametrize(
    "done, expected",
    [
        (0, [(0, 10, 3)]),
        (10, [(10, 10, 3)]),
        (14, [(14, 6, 2), (20, 10, 3)]),
        (25, [(25, 5, 3)]),
        (30, []),
        (44, []),
    ],
)
def test_segments_finish_a_begun_epoch_first(done, expected):
    assert list(segments(done, 10, 3)) == expected


def test_strategies(two_replicas):
    assert make_strategy("auto").num_replicas_in_sync == 1  # no GPU here
    assert two_replicas.num_replicas_in_sync == 2
    with pytest.raises(UserError, match="replicas=3 found no GPU and 2 logical CPU"):
        make_strategy("mirrored", 3)
    with pytest.raises(UserError, match="received 'many'"):
        make_strategy("many")
    assert len(tf.config.list_logical_devices("CPU")) == 2
