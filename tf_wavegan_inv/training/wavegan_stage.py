"""Training a WaveGAN: from a request to official checkpoints in a run folder."""

import dataclasses
import json
import logging

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.dataset import load_arrays
from tf_wavegan_inv.audio.load import need
from tf_wavegan_inv.audio.slices import SliceConfig, load_slices, slice_batches
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.evaluation.sets import spread
from tf_wavegan_inv.evaluation.tensorboard import AudioWriter, ScalarWriter, write_options
from tf_wavegan_inv.files import checksum, replacing, write_json
from tf_wavegan_inv.metrics.inception import inception_score
from tf_wavegan_inv.models.bundle import find_model, load_classifier
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.models.predictions import ClipClassifier
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.recipe import load_recipe
from tf_wavegan_inv.training.fit import display, rate_of, rounded, segments
from tf_wavegan_inv.training.invertibility import OBJECTIVE, Invertibility
from tf_wavegan_inv.training.joint import JointInverter
from tf_wavegan_inv.training.keeper import Keeper
from tf_wavegan_inv.training.preemption import Preemption
from tf_wavegan_inv.training.run import Run
from tf_wavegan_inv.training.stages import check_compilable, classifier_path
from tf_wavegan_inv.training.strategy import divided
from tf_wavegan_inv.training.wavegan import WaveGANTrainer
from tf_wavegan_inv.training.wavegan_state import restore_state, save_state, saved_steps
from tf_wavegan_inv.versions import versions
from tf_wavegan_inv.wavegan.checkpoint import load_wavegan, save_wavegan_checkpoint
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.discriminator import SHUFFLED_LAYERS, Discriminator
from tf_wavegan_inv.wavegan.generator import Generator
from tf_wavegan_inv.wavegan.projected import MAX_SHIFT, ProjectedDiscriminator
from tf_wavegan_inv.wavegan.sources import write_args

log = logging.getLogger(__name__)

PREVIEW_CLIPS = 8
DIRECTIONS = 128  # number of directions along which the z of real clips are compared with the prior
SCORED_CLIPS = 512


def train_wavegan(request):
    """Train a WaveGAN; returns the folder of its run.

    The folder has model.ckpt-<step> (official format: G, D, optimisers, step), the file `checkpoint`, args.txt, config.json, history.csv,
    logs/, and best/model.ckpt: the generator that inverts fixed validation clips best (`Invertibility`), or without such clips the one with
    the highest Inception Score. best/inverter is the inverter that was trained with it, if there is one.

    Args:
        request: `stages.Request`. The section `wavegan` of its recipe has the options.
    """
    training = request.recipe.wavegan
    divided(training.batch_size, request.strategy)
    check_compilable(request)
    if keras.config.dtype_policy().compute_dtype == "float16":
        raise UserError("float16 cannot hold the gradients of a gradient penalty: give --precision mixed_bfloat16 or float32.")
    begun = bool(saved_steps(request.run / "wavegan"))
    start = request.start
    config = _begun_config(request.run) if begun else load_wavegan(start, request.slice_len).config if start else _new_config(request)
    need(request.corpus, "train", request.folders)
    slicing = SliceConfig(training.first_slice, training.pad_end, training.overlap)
    run = Run(request.run / "wavegan", _options(request, config))
    slices = load_slices(
        request.corpus.recordings["train"],
        request.recipe.audio,
        slice_config=slicing,
        length=config.slice_len,
        channels=config.audio_channels,
        balanced=training.balanced,
    )
    print(f"{len(slices)} slices of {config.slice_len} samples.")

    keras.utils.set_random_seed(request.seed)
    with request.strategy.scope():
        classifier = _classifier(request, config)
        joint = make_joint(config, request.recipe, classifier) if training.joint_weight else None
        trainer = make_trainer(config, training, classifier, joint=joint)
    trainer.jit_compile = request.jit_compile
    workers = trainer.workers
    workers.check_same(run.config)
    if trainer.projected and not begun:  # before reading a checkpoint, which may hold one that is adapted
        audio = next(iter(training_inputs(slices, training, config.latent_dim, request.seed, 0)))["audio"]
        trainer.projected.adapt(tf.reshape(audio, [-1, *audio.shape[2:]]))
    done = workers.of_chief(_resume(trainer, run.folder, start) if workers.chief else 0)
    workers.share(trainer.state())
    if not begun and done >= training.steps:
        raise UserError(f"{start} is at step {done} already, and {training.steps} steps were requested: give more --steps.")
    if workers.chief:
        run.claim()
        write_args(run.folder / "args.txt", official_args(config, training, request.recipe.audio.sample_rate))
        write_options(run.folder / "logs", run.options())
    epochs = -(-training.steps // training.report_steps) if done < training.steps else 0

    def batches_from(step):
        return training_inputs(slices, training, config.latent_dim, request.seed, step)

    with Preemption(workers) as preemption:
        judge = ClipClassifier(classifier) if classifier and request.corpus.labelled().recordings["train"] else None
        invertibility = _invertibility(request, config) if classifier and workers.chief else None
        keeper = ReportKeeper(trainer, run, done, preemption, training, config, request, judge, invertibility)
        verbose, lines = display()
        callbacks = [keeper, *request.callbacks(run), *lines]
        for first, steps, stop in segments(done, training.report_steps, epochs):
            trainer.fit(
                keeper.begin(first, batches_from),
                initial_epoch=first // training.report_steps,
                epochs=stop,
                steps_per_epoch=steps,
                callbacks=callbacks,
                verbose=verbose,
                shuffle=False,
            )
    return run.folder


def make_trainer(config, training, classifier=None, *, joint=None):
    """A `WaveGANTrainer` with new networks, for a `WaveGANConfig` and a `WaveGANTrainingConfig`; see `ProjectedDiscriminator`."""
    average = None
    generator = Generator(config)
    if training.average:
        average = Generator(config, name="average")
        average.set_weights(generator.get_weights())
    discriminator = Discriminator(config, training.phase_shuffle) if training.updates else None
    projected = ProjectedDiscriminator(classifier) if training.projected_weight else None
    return WaveGANTrainer(
        generator,
        discriminator,
        training.loss,
        training.updates,
        average,
        training.average,
        training.learning_rate,
        projected,
        training.projected_weight,
        joint=joint,
        joint_weight=training.joint_weight,
    )


def make_joint(config, recipe, classifier):
    """A `JointInverter` with a new network, for a `WaveGANConfig` and a `Recipe`."""
    inverter, average = new_inverter(config, recipe), None
    if recipe.wavegan.average:
        average = new_inverter(config, recipe)
        average.set_weights(inverter.get_weights())
    optimizer = keras.optimizers.Adam(recipe.inverter.learning_rate)
    return JointInverter(inverter, average, classifier, optimizer, recipe.inverter, prior_weight=recipe.wavegan.prior_weight)


def new_inverter(config, recipe):
    """The recipe's inverter for a `WaveGANConfig`, untrained."""
    return build_inverter(
        config.slice_len,
        config.audio_channels,
        latent_dim=config.latent_dim,
        spectrogram=recipe.inverter_spectrogram,
        width=recipe.inverter.width,
    )


def wavegan_config(training):
    """The `WaveGANConfig` of a `WaveGANTrainingConfig`."""
    return WaveGANConfig(**{field.name: getattr(training, field.name) for field in dataclasses.fields(WaveGANConfig)})


def training_inputs(slices, training, latent_dim, seed, first_step):
    """Endless inputs of `WaveGANTrainer.train_step`; those of a step depend on seed and step alone.

    Args:
        slices: `Slices`.
        training: `WaveGANTrainingConfig`.

    Returns:
        tf.data.Dataset of dicts, n being the updates of the discriminator: audio float32 [batch, n (1 for none), samples, channels], z
        [batch, n + 1, latent_dim], alpha [batch, n], shifts int32 [batch, n + 1, 3, 4] and rolls int32 [batch, 2], the same for the whole
        batch; with a joint inverter directions [batch, latent_dim, DIRECTIONS], likewise.
    """
    slices = slices.tensors()
    batch, updates, radius = training.batch_size, training.updates, training.phase_shuffle
    reals = max(updates, 1)

    def inputs(step):
        seeds = [tf.stack([tf.constant(seed, tf.int64), 4 * step + i]) for i in range(4)]
        audio = slice_batches(slices, batch * reals, seed, step)
        shifts = tf.random.stateless_uniform([1, updates + 1, 3, SHUFFLED_LAYERS], seeds[2], -radius, radius + 1, tf.int32)
        rolls = tf.random.stateless_uniform([1, 2], seeds[3], -MAX_SHIFT, MAX_SHIFT + 1, tf.int32)
        drawn = {
            "audio": tf.reshape(audio, [batch, reals, slices.length, slices.audio.shape[1]]),
            "z": tf.random.stateless_uniform([batch, updates + 1, latent_dim], seeds[0], -1.0, 1.0),
            "alpha": tf.random.stateless_uniform([batch, updates], seeds[1]),
            "shifts": tf.repeat(shifts, batch, axis=0),
            "rolls": tf.repeat(rolls, batch, axis=0),
        }
        if training.joint_weight:
            directions = tf.random.stateless_normal([1, latent_dim, DIRECTIONS], tf.stack([tf.constant(~seed, tf.int64), step]))
            drawn["directions"] = tf.repeat(directions / tf.norm(directions, axis=1, keepdims=True), batch, axis=0)
        return drawn

    return tf.data.Dataset.range(first_step, np.iinfo(np.int64).max // (batch * reals + 4)).map(inputs).prefetch(2)


def official_args(config, training, sample_rate):
    """The options of a run under the official code's names, for its args.txt."""
    return {
        "data_first_slice": training.first_slice,
        "data_num_channels": config.channels,
        "data_overlap_ratio": training.overlap,
        "data_pad_end": training.pad_end,
        "data_sample_rate": sample_rate,
        "data_slice_len": config.slice_len,
        "train_batch_size": training.batch_size,
        "wavegan_batchnorm": config.batch_norm,
        "wavegan_dim": config.dim,
        "wavegan_disc_nupdates": training.updates,
        "wavegan_disc_phaseshuffle": training.phase_shuffle,
        "wavegan_genr_pp": bool(config.pp_len),
        "wavegan_genr_pp_len": config.pp_len or 512,
        "wavegan_genr_upsample": config.upsample,
        "wavegan_kernel_len": config.kernel_len,
        "wavegan_latent_dim": config.latent_dim,
        "wavegan_loss": training.loss,
    }


def _begun_config(run):
    """The `WaveGANConfig` of a run that has checkpoints."""
    path = run / "wavegan" / "config.json"
    try:
        return WaveGANConfig(**json.loads(path.read_text())["architecture"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is missing or damaged ({error}): copy it back, or give another --run.") from None


def _new_config(request):
    config = wavegan_config(request.recipe.wavegan)
    return dataclasses.replace(config, slice_len=request.slice_len) if request.slice_len else config


def _options(request, config):
    return {
        "stage": "wavegan",
        "recipe": request.recipe.to_dict(),
        "architecture": dataclasses.asdict(config),
        "precision": keras.config.dtype_policy().name,
        "data": request.corpus.fingerprint(),
        "seed": request.seed,
        "init": request.init,
        "versions": versions(),
    } | _heard_through(request)


def _heard_through(request):
    """The part of config.json about the classifier on which training depends; empty if it does not."""
    if not (request.recipe.wavegan.projected_weight or request.recipe.wavegan.joint_weight):
        return {}
    return {"classifier": {"sha256": checksum(find_model(classifier_path(request), "classifier"))}}


def _resume(trainer, folder, start):
    """Restore the newest checkpoint of the run that can be read, or else `start`; returns the steps done."""
    for step in sorted(saved_steps(folder), reverse=True):
        try:
            done, _ = restore_state(trainer, folder / f"model.ckpt-{step}")
        except UserError as error:
            log.warning("warning: %s; trying the checkpoint before.", error)
            continue
        print(f"Resuming {folder} after step {done}.")
        return done
    if saved_steps(folder):
        raise UserError(f"None of the checkpoints in {folder} can be read: restore the folder, or give another --run.")
    if not start:
        return 0
    done, absent = restore_state(trainer, start)
    print(f"Beginning from {start}, step {done}" + (f"; it has no {' and no '.join(absent)}, which start from scratch." if absent else "."))
    return done


class ReportKeeper(Keeper):
    """The `Keeper` of a WaveGAN: every so many steps scalars, history, previews, and the scores by `ClipClassifier` and `Invertibility`."""

    def __init__(self, trainer, run, step, preemption, training, config, request, judge, invertibility=None):
        super().__init__(run, step, training.report_steps, training.batch_size * max(training.updates, 1), preemption)
        self.trainer, self.training = trainer, training
        self.scalars = ScalarWriter(run.folder / "logs")
        self.audio = AudioWriter(run.folder / "logs" / "previews", request.recipe.audio.sample_rate)
        self.latents = np.random.default_rng(request.seed).uniform(-1, 1, (SCORED_CLIPS, config.latent_dim)).astype(np.float32)
        self.judge, self.invertibility, self.rate = judge, invertibility, request.recipe.audio.sample_rate
        self.criterion, self.sign = (OBJECTIVE, -1) if invertibility else ("class/inception_score", 1)
        scores = [self.sign * float(row[self.criterion]) for row in run.history() if row.get(self.criterion)]
        self.best = max(scores, default=-np.inf)
        source = trainer.network if trainer.average is None else trainer.average
        self.generate = tf.function(lambda z: source(z, training=False), input_signature=[tf.TensorSpec([None, config.latent_dim])])

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.step >= self.training.steps:
            self.model.stop_training = True

    def save(self):
        save_state(self.trainer, self.run.folder, self.step, self.training.keep)

    def report(self, epoch, logs):
        logs |= {"train/learning_rate": rate_of(self.trainer.network_optimizer)} | self.pace() | self._score() | self._invert()
        if self.sign * logs.get(self.criterion, np.nan) > self.best:
            self._keep_best(logs[self.criterion])
        self.scalars.write(self.step, train=logs)
        self.run.add_history({"step": self.step} | rounded(logs), "step")

    def _score(self):
        """Previews of the fixed latents into TensorBoard; their scores by name."""
        audio = np.concatenate([self.generate(z).numpy() for z in np.array_split(self.latents, 8)])
        self.audio.write(self.step, {f"generated/{i}": clip for i, clip in enumerate(audio[:PREVIEW_CLIPS])})
        if self.judge is None:
            return {}
        predictions = self.judge(audio)
        score, _ = inception_score(predictions.probabilities, splits=1)
        counts = np.bincount(predictions.labels, minlength=predictions.probabilities.shape[1])
        return {
            "class/inception_score": score,
            "class/confidence": float(predictions.confidence.mean()),
            "class/rarest": float(counts.min() / counts.sum()),
        }

    def _invert(self):
        """The values of `Invertibility`, by name; none without it."""
        if self.invertibility is None:
            return {}
        return self.invertibility(*self._averaged())

    def _averaged(self):
        """The generator and its joint inverter or None; if they have moving averages, those."""
        joint = self.trainer.joint
        inverter = joint and (joint.average or joint.network)
        return self.trainer.average or self.trainer.network, inverter

    def _keep_best(self, score):
        folder, (generator, inverter) = self.run.folder / "best", self._averaged()
        save_wavegan_checkpoint(generator, folder / "model.ckpt")
        if inverter:
            self._save_inverter(inverter, folder)
        with replacing(folder / "step.txt") as partial:
            partial.write_text(f"step {self.step}, {NAMES[self.criterion]}: {score:.4f}\n")
        self.best = self.sign * score

    def _save_inverter(self, inverter, folder):
        """Save the joint inverter as a bundle that `load_inverter` reads, for the generator in `folder`."""
        (folder / "inverter").mkdir(exist_ok=True)
        with replacing(folder / "inverter" / "model.keras") as partial:
            inverter.save(partial)
        made_for = {"sha256": checksum(folder / "model.ckpt")} | dataclasses.asdict(self.trainer.network.config)
        write_json(folder / "inverter" / "config.json", self.run.config | {"stage": "inverter", "wavegan": made_for})


def _classifier(request, config):
    """The digit classifier, or None where it takes clips of another form; UserError if the recipe has a `ProjectedDiscriminator`, too."""
    classifier = load_classifier(classifier_path(request))
    if classifier.input_shape[1:] == (config.slice_len, config.audio_channels):
        return classifier
    needing = [name for name in ("projected_weight", "joint_weight") if getattr(request.recipe.wavegan, name)]
    if needing:
        raise UserError(
            f"[wavegan] {' and '.join(needing)} needs a classifier of clips of {config.slice_len} samples and {config.audio_channels} "
            f"channels, received one of {classifier.input_shape[1:]}: give --classifier, or {needing[0]} = 0."
        )
    return None


def _invertibility(request, config):
    """The `Invertibility` of a run; None if it inverts no validation clips, or none has a label."""
    recordings = request.corpus.labelled().recordings["valid"]
    chosen = spread(np.array([r.clip.label for r in recordings], int), request.recipe.wavegan.inverted_clips, seed=request.seed)
    if not chosen:
        return None
    clips = load_arrays([recordings[i] for i in chosen], request.recipe.audio, config.slice_len, config.audio_channels)
    inverter = (lambda: new_inverter(config, request.recipe)) if request.recipe.wavegan.joint_weight else None
    inversion = request.recipe.inversion
    if not inversion.has_objective:  # a recipe for a WaveGAN alone
        inversion = load_recipe("best").inversion
    return Invertibility(config, clips, classifier_path(request), inversion, inverter=inverter, seed=request.seed)
