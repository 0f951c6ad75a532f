"""Run folders: the options, the state and the models of a training stage."""

import csv
import json
import logging
import pathlib
import shutil

import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing, write_json
from tf_wavegan_inv.names import renamed
from tf_wavegan_inv.recipe import recipe_from_dict

log = logging.getLogger(__name__)

# Options that may differ between the call that starts a run and one that resumes it.
FREE = ("versions", "epochs", "patience", "steps", "report_steps", "keep", "inverted_clips", "name", "inversion")
STAGES = ("classifier", "inverter", "wavegan")


class Run:
    """The folder of one trained model.

    config.json     what it is trained with; a later call with something else is refused
    state/          TensorFlow checkpoints of network, optimiser and step: the two newest
    best.keras      the model with the best validation loss so far
    last.keras      the model after the last epoch
    history.csv     losses and metrics by epoch
    logs/           TensorBoard
    """

    def __init__(self, folder, config):
        self.folder = pathlib.Path(folder)
        self.config = json.loads(json.dumps(config, default=str))
        self._check()

    def _check(self):
        """Raise UserError if the folder holds a run with other options."""
        path = self.folder / "config.json"
        if path.exists():
            try:
                before = json.loads(path.read_text())
                changed = list(differences(self._compared(before), self._compared(self.config)))
            except (ValueError, AttributeError) as error:
                raise UserError(f"{path} is damaged ({error}): copy it back, or give another --run.") from None
            if changed:
                raise UserError(
                    f"The run folder {self.folder} was started with other options:\n  "
                    + "\n  ".join(changed)
                    + "\nGive another --run, or the earlier options."
                )

    @staticmethod
    def _compared(config):
        """A config without the options of the other stages; options that an earlier version did not have are at their defaults."""
        recipe, own = recipe_from_dict(config.get("recipe", {})).to_dict(), [config.get("stage")]
        if recipe["wavegan"]["joint_weight"] and "wavegan" in own:
            own.append("inverter")  # which is trained in the same steps
        return {"precision": "float32"} | config | {"recipe": {k: v for k, v in recipe.items() if k in own or k not in STAGES}}

    def options(self):
        """What the stage was trained with, flat: dict of "section.option" to value."""
        recipe, stage = self.config["recipe"], self.config["stage"]
        sections = {name: recipe[name] for name in ("audio", "spectrogram", stage) if name in recipe}
        options = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
        return options | {key: self.config[key] for key in ("seed", "init")}

    def claim(self):
        """Write config.json."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "config.json", self.config)

    def track(self, network, optimizer, workers):
        """Claim the folder and restore the newest state if there is one. Of several `Workers` only the chief does so; the others receive
        its state. Returns the number of steps done."""
        workers.check_same(self.config)
        done = self._restore(network, optimizer) if workers.chief else 0
        workers.share([*network.weights, *optimizer.variables])
        return workers.of_chief(done)

    def _restore(self, network, optimizer):
        self.claim()
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best = tf.Variable(float("inf"), dtype=tf.float64, trainable=False)
        state = tf.train.Checkpoint(network=network, optimizer=optimizer, step=self.step, best=self.best)
        self.manager = tf.train.CheckpointManager(state, str(self.folder / "state"), max_to_keep=2)
        saved = list(reversed(self.manager.checkpoints))
        for path in saved:
            try:
                state.read(path).assert_existing_objects_matched()
                return int(self.step)
            except (tf.errors.OpError, IndexError, ValueError) as error:
                log.warning("warning: the state %s is damaged (%s); trying the one before.", path, (str(error).splitlines() or ["?"])[0])
        if saved:
            raise UserError(f"None of the states in {self.folder / 'state'} can be read: restore the folder, or give another --run.")
        return 0

    def save_state(self, step):
        """Save the state after `step` steps. Raises tf.errors.OpError or OSError where that cannot be; the states before are kept."""
        self.step.assign(step)
        try:
            self.manager.save(checkpoint_number=step)
        except Exception:
            shutil.rmtree(self.folder / "state" / f"ckpt-{step}_temp", ignore_errors=True)
            for part in (self.folder / "state").glob(f"ckpt-{step}.*"):
                part.unlink(missing_ok=True)
            raise

    def save_model(self, name, network):
        with replacing(self.folder / f"{name}.keras") as partial:
            network.save(partial)

    def history(self):
        """Rows of history.csv as dicts."""
        path = self.folder / "history.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return [renamed(row) for row in csv.DictReader(file)]

    def add_history(self, row, key="epoch"):
        """Append a row, in place of one of the same epoch (or whatever `key` counts) or later."""
        rows = [r for r in self.history() if int(r[key]) < row[key]] + [row]
        with replacing(self.folder / "history.csv") as partial, open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)


def differences(before, now, prefix=""):
    """Lines "option: was X, is Y" for what differs between two nested dicts, but for `FREE`."""
    for key in sorted({*before, *now}):
        name = f"{prefix}{key}"
        old, new = before.get(key), now.get(key)
        if key in FREE or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, f"{name}.")
        else:
            yield f"{name}: was {old}, is {new}"
