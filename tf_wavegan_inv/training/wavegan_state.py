"""The whole state of a WaveGAN's training in one checkpoint of the official format."""

import math
import pathlib

import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import write_text
from tf_wavegan_inv.wavegan.checkpoint import AVERAGE, assign, official_values, write_checkpoint
from tf_wavegan_inv.wavegan.sources import open_source
from tf_wavegan_inv.wavegan.variables import official_shape, variables_of

PREFIX = "model.ckpt"
OFFICIAL = ("", "_1")  # suffixes of the counters of the optimisers that the official code has, see `_optimized`


def state_values(trainer, step):
    """Everything that training needs to resume, as arrays by the official code's names.

    Args:
        trainer: `WaveGANTrainer`.
        step: updates of the generator done.
    """
    values = {}
    for suffix, network, optimizer in _optimized(trainer):
        values |= official_values(network)
        named = variables_of(network)
        for slot, variables in _slots(optimizer).items():
            for name, value in zip(_trainable(network), variables, strict=True):
                values[f"{name}/{slot}"] = np.asarray(value, np.float32).reshape(official_shape(name, named[name].shape))
        for name, beta in _betas(optimizer).items():
            values[name + suffix] = np.float32(np.float64(beta) ** (int(np.array(optimizer.iterations)) + 1))
        if not _betas(optimizer):
            for name in _trainable(network):  # the official optimiser's momentum, which is 0 and does nothing
                values[f"{name}/RMSProp_1"] = np.zeros_like(values[name])
    for average in _averages(trainer):
        values |= {name + AVERAGE: value for name, value in official_values(average).items()}
    return values | {"global_step": np.int64(step)}


def restore_state(trainer, path):
    """Take up training where a checkpoint of ours or of the official code left it.

    Args:
        trainer: `WaveGANTrainer`.
        path: see `open_source`. Where it has no discriminator, or no optimiser slots, those stay as they are.

    Returns:
        (step, list of what the checkpoint did not have).

    Raises:
        UserError: if the checkpoint is damaged or of another architecture.
    """
    source, absent = open_source(path), []
    try:
        assign(trainer.network, source)
        for network, scope, what in _others(trainer):
            if any(name.startswith(scope) for name in source.shapes):
                assign(network, source)
            else:
                absent.append(what)
        step = source.read_integer("global_step")
        restored = {suffix: _restore_slots(suffix, *each, source, step, trainer.updates) for suffix, *each in _optimized(trainer)}
        if not all(done for suffix, done in restored.items() if suffix in OFFICIAL):
            absent.append("optimiser")
        for average in _averages(trainer):
            name = next(iter(variables_of(average)))
            if name in source.shapes:
                assign(average, source, AVERAGE if name + AVERAGE in source.shapes else "")
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from None
    return step, absent


def save_state(trainer, folder, step, keep):
    """Write model.ckpt-<step> and the file `checkpoint`, and remove all but the newest `keep` checkpoints."""
    folder, values = pathlib.Path(folder), state_values(trainer, step)
    wrong = [name for name, value in values.items() if not np.all(np.isfinite(value))]
    if wrong:
        raise UserError(
            f"Training diverged before step {step}: {wrong[0]} and {len(wrong) - 1} more hold NaN or infinite values. "
            f"The checkpoints before are kept in {folder}; try a lower --learning-rate with another --run."
        )
    write_checkpoint(folder / f"{PREFIX}-{step}", values)
    kept = sorted(s for s in saved_steps(folder) if s <= step)[-keep:]
    paths = [f'all_model_checkpoint_paths: "{PREFIX}-{s}"\n' for s in kept]
    write_text(folder / "checkpoint", f'model_checkpoint_path: "{PREFIX}-{step}"\n' + "".join(paths))
    for leftover in folder.glob(f".{PREFIX}-*.partial*"):  # of a save that was killed
        leftover.unlink()
    for other in set(saved_steps(folder)) - set(kept):
        for file in folder.glob(f"{PREFIX}-{other}.*"):
            file.unlink()


def saved_steps(folder):
    """Steps of the checkpoints in a run folder, unordered."""
    names = (p.name.removeprefix(f"{PREFIX}-").removesuffix(".index") for p in pathlib.Path(folder).glob(f"{PREFIX}-*.index"))
    return [int(name) for name in names if name.isdigit()]


def _optimized(trainer):
    """Suffix of counters, network, optimiser; in the order in which the official graph creates them, ours after them."""
    yield "", trainer.network, trainer.network_optimizer
    if trainer.discriminator is not None:
        yield "_1", trainer.discriminator, trainer.discriminator_optimizer
    if trainer.projected is not None:
        yield "_2", trainer.projected, trainer.projected_optimizer
    if trainer.joint is not None:
        yield "_3", trainer.joint.network, trainer.joint.optimizer


def _others(trainer):
    """The networks beside the generator: network, what its variables' names begin with, what it is called in messages."""
    if trainer.discriminator is not None:
        yield trainer.discriminator, "D/", "discriminator"
    if trainer.projected is not None:
        yield trainer.projected, "P/", "discriminator on the classifier's features"
    if trainer.joint is not None:
        yield trainer.joint.network, "E/", "inverter"


def _averages(trainer):
    """The networks that hold moving averages of weights."""
    return [average for average in (trainer.average, trainer.joint and trainer.joint.average) if average is not None]


def _trainable(network):
    """Official names of the trainable variables, in the optimiser's order."""
    names = {id(variable): name for name, variable in variables_of(network).items()}
    return [names[id(variable)] for variable in network.trainable_variables]


def _slots(optimizer):
    """The official names of an optimiser's slots."""
    if _betas(optimizer):
        return {"Adam": optimizer._momentums, "Adam_1": optimizer._velocities}
    return {"RMSProp": optimizer._velocities}


def _betas(optimizer):
    return {"beta1_power": optimizer.beta_1, "beta2_power": optimizer.beta_2} if hasattr(optimizer, "beta_1") else {}


def _restore_slots(suffix, network, optimizer, source, step, updates):
    names = _trainable(network)
    for slot, variables in _slots(optimizer).items():
        if any(f"{name}/{slot}" not in source.shapes for name in names):
            return False
        for name, variable in zip(names, variables, strict=True):
            variable.assign(source.read(f"{name}/{slot}").reshape(variable.shape))
    iterations = step * (updates if suffix == "_1" else 1)
    power = float(source.read(f"beta2_power{suffix}")) if f"beta2_power{suffix}" in source.shapes and _betas(optimizer) else 0.0
    if power > 1e-30:  # below that float32 has lost it, and the correction that it stands for
        iterations = round(math.log(power) / math.log(optimizer.beta_2)) - 1
    optimizer.iterations.assign(iterations)
    return True
