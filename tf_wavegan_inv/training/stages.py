"""The stages of training: from a request to a trained model in a run folder."""

import dataclasses
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv import defaults
from tf_wavegan_inv.audio.augment import augment, in_room
from tf_wavegan_inv.audio.dataset import training_batches, validation_batches
from tf_wavegan_inv.audio.folders import unique_names
from tf_wavegan_inv.audio.load import need
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.evaluation.tensorboard import Previews, Profile
from tf_wavegan_inv.files import checksum, replacing, write_text
from tf_wavegan_inv.inversion.compatibility import check_shapes
from tf_wavegan_inv.inversion.load import load_any_generator
from tf_wavegan_inv.models.bundle import FILES, find_model, load_classifier, load_inverter
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.models.generator import find_generator
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.recipe import Recipe, load_recipe
from tf_wavegan_inv.training import classifier as classifier_step
from tf_wavegan_inv.training import inverter as inverter_step
from tf_wavegan_inv.training.fit import adam, fit, learning_rate
from tf_wavegan_inv.training.run import Run
from tf_wavegan_inv.training.strategy import divided
from tf_wavegan_inv.training.workers import Workers
from tf_wavegan_inv.versions import versions
from tf_wavegan_inv.wavegan.sources import find_checkpoint

PREVIEW_CLIPS = 8


@dataclasses.dataclass(frozen=True)
class Request:
    """What a training stage is asked to do.

    Attributes:
        recipe: `Recipe`.
        corpus: `audio.load.Corpus`; None until its clips are checked.
        folders: where the corpus is from, for messages.
        run: folder of the run; each stage has a subfolder of its name.
        wavegan: generator checkpoint.
        generator: instead of `wavegan` any model z -> audio, a path; latent_dim, latent_range: see `load_generator`.
        classifier: trained classifier, for the inverter, and for a WaveGAN's second discriminator; None for the run's own, or else the
            bundled one.
        jit_compile: whether XLA compiles the training steps; by one device alone.
        init: "scratch", "bundled", or a path of models to begin from.
        strategy: `tf.distribute` strategy.
        seed: int.
        slice_len: see `load_wavegan`.
        profile: training steps to profile; 0 for none.
    """

    recipe: Recipe
    corpus: object
    folders: list
    run: pathlib.Path
    wavegan: pathlib.Path = defaults.WAVEGAN
    classifier: pathlib.Path | None = None
    init: str = "scratch"
    strategy: object = dataclasses.field(default_factory=tf.distribute.get_strategy)
    seed: int = 0
    slice_len: int | None = None
    profile: int = 0
    generator: pathlib.Path | None = None
    latent_dim: int | None = None
    latent_range: tuple | None = None
    jit_compile: bool = False

    def load_generator(self):
        """The generator that the inverter is for."""
        names = ("wavegan", "slice_len", "generator", "latent_dim", "latent_range")
        return load_any_generator(**{name: getattr(self, name) for name in names})

    def check_models(self, stage):
        """Raise UserError if a model that a stage ("classifier", "inverter", "wavegan", "all") needs is missing."""
        if self.classifier:
            find_model(self.classifier, "classifier")
        if stage == "wavegan":
            if self.start:
                find_checkpoint(self.start)
            return
        if self.generator:
            find_generator(self.generator)
        else:
            find_checkpoint(self.wavegan)
        if self.init not in ("scratch", "bundled"):
            for kind in ("classifier", "inverter") if stage == "all" else (stage,):
                find_model(self.init, kind)

    @property
    def start(self):
        """The checkpoint that a WaveGAN's training begins from, or None."""
        if self.init == "scratch":
            return None
        if str(self.init).endswith((".keras", ".pb")):
            raise UserError(f"Training begins from a checkpoint, received {self.init}: tf-wavegan-inv convert makes one of it.")
        return defaults.WAVEGAN if self.init == "bundled" else self.init

    def callbacks(self, run):
        """Keras callbacks of a stage, for its `Run`."""
        return [Profile(run.folder / "logs", self.profile)] if self.profile and self.chief else []

    @property
    def chief(self):
        """Whether this process writes the run folder; of several workers one does."""
        return Workers(self.strategy).chief


def train_classifier(request):
    """Train the digit classifier; returns the folder of its run."""
    config = request.recipe.classifier
    generator = request.load_generator()  # for the length and channels of its audio
    length, channels = generator.output_shape[1:]
    splits = _splits(request, request.corpus.labelled(), length, channels, labelled=True)
    run = _open_run(request, "classifier", config)
    keras.utils.set_random_seed(request.seed)
    steps = _steps_per_epoch(splits["train"], config)
    with request.strategy.scope():
        network = build_classifier(
            length, channels, spectrogram=request.recipe.spectrogram, width=config.width, synchronized=_synchronized(request)
        )
        _initialise(network, request.init, defaults.CLASSIFIER, load_classifier, "classifier")
        optimizer = adam(learning_rate(config, steps * config.epochs))
        trainer = classifier_step.ClassifierTrainer(network, optimizer)
    trainer.jit_compile = request.jit_compile

    _report_skipped(request, run)

    rate = request.recipe.audio.sample_rate

    def batches_from(step):
        batches = _real_batches(splits["train"], config, request.seed, step, balanced=config.balanced)
        if config.rooms:
            batches = _changed(batches, lambda audio, seed: in_room(audio, seed, rate, config.rooms), request.seed)
        return batches.map(lambda audio, label, step: (audio, label))

    fit(
        trainer,
        run,
        batches_from,
        validation_batches(splits["valid"], config.batch_size),
        steps,
        config,
        classifier_step.MONITOR,
        callbacks=request.callbacks(run),
    )
    return run.folder


def train_inverter(request):
    """Train the inverter; returns the folder of its run."""
    config = request.recipe.inverter
    keras.utils.set_random_seed(request.seed)
    with request.strategy.scope():
        generator = request.load_generator()
        classifier = load_classifier(_classifier_of_inverter(request))
    length, channels = generator.output_shape[1:]
    check_shapes(classifier, generator, kind="classifier")
    splits = _splits(request, request.corpus, length, channels)
    run = _open_run(
        request,
        "inverter",
        config,
        {"classifier": {"sha256": checksum(classifier.file)}} | _generator_options(request, generator),
    )
    if request.chief:
        _keep_classifier(classifier, run)
    steps = _steps_per_epoch(splits["train"], config)
    latent_dim = generator.input_shape[1]
    with request.strategy.scope():
        network = build_inverter(
            length,
            channels,
            latent_dim=latent_dim,
            spectrogram=request.recipe.inverter_spectrogram,
            width=config.width,
            synchronized=_synchronized(request),
        )
        _initialise(network, request.init, defaults.INVERTER, load_inverter, "inverter")
        optimizer = adam(learning_rate(config, steps * config.epochs * config.updates))
        config = with_usable_statistics(config, request.init)
        labelled = bool((splits["valid"].labels >= 0).any())
        trainer = inverter_step.InverterTrainer(network, generator, classifier, optimizer, config, labelled)
    trainer.jit_compile = request.jit_compile

    _report_skipped(request, run)

    def batches_from(step):
        def with_latents(audio, label, step):
            return audio, random_latents(config.batch_size, latent_dim, request.seed, step)

        return _real_batches(splits["train"], config, request.seed, step).map(with_latents)

    valid = splits["valid"]
    latents = random_latents(len(valid), latent_dim, request.seed, -1)
    validation = validation_batches(valid, config.batch_size, latents)
    fit(
        trainer,
        run,
        batches_from,
        validation,
        steps,
        config,
        inverter_step.MONITOR,
        _previews(run, request, trainer, valid, latents),
        callbacks=request.callbacks(run),
    )
    return run.folder


def with_usable_statistics(config, init):
    """The `InverterConfig` of a training from `init`: from scratch no statistics of batch normalisation are stored yet to go by."""
    return dataclasses.replace(config, batch_statistics=True) if init == "scratch" else config


def _generator_options(request, generator):
    """What config.json tells of the generator that an inverter is for."""
    own = {"latent_range": generator.latent.range} if request.generator else dataclasses.asdict(generator.config)
    identity = generator.identity()
    return {identity.kind: {"sha256": identity.sha256} | own}


def default_recipe(init, stage):
    """The recipe where none is named: "best", or that of the models to begin from."""
    if init == "scratch" or stage == "wavegan":
        return load_recipe("best")
    if stage == "classifier":
        return load_classifier(defaults.CLASSIFIER if init == "bundled" else init).recipe
    return load_inverter(defaults.INVERTER if init == "bundled" else init).recipe


def random_latents(count, latent_dim, seed, step):
    """z [count, latent_dim], uniform in [-1, 1), by seed and step alone."""
    seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    return tf.random.stateless_uniform([count, latent_dim], seeds, -1.0, 1.0)


def check_compilable(request):
    """Raise UserError where the steps are to be compiled for several replicas."""
    replicas = request.strategy.num_replicas_in_sync
    if request.jit_compile and replicas > 1:
        raise UserError(f"--jit-compile is for one device, and there are {replicas}: leave it out, or give --strategy one.")


def _splits(request, corpus, length, channels, labelled=False):
    splits = {}
    for split in ("train", "valid"):
        need(corpus, split, request.folders, labelled)
        splits[split] = corpus.arrays(split, request.recipe.audio, length, channels)
    return splits


def _open_run(request, stage, config, more=None):
    divided(config.batch_size, request.strategy)
    check_compilable(request)
    run = Run(
        request.run / stage,
        {
            "stage": stage,
            "recipe": request.recipe.to_dict(),
            "data": request.corpus.fingerprint(),
            "seed": request.seed,
            "init": request.init,
            "precision": keras.config.dtype_policy().name,
            "versions": versions(),
            **(more or {}),
        },
    )
    return run


def _report_skipped(request, run):
    if request.corpus.skipped and request.chief:
        write_text(run.folder / "skipped.txt", "".join(f"{s.reason}\n" for s in request.corpus.skipped))


def _steps_per_epoch(clips, config):
    return max(1, round(len(clips) / config.batch_size))


def _synchronized(request):
    """Batch norm over all replicas together, so that their number does not change the result."""
    return request.strategy.num_replicas_in_sync > 1


def _real_batches(clips, config, seed, step, *, balanced=False):
    batches = training_batches(clips, config.batch_size, seed=seed, start_step=step, balanced=balanced)
    return _changed(batches, lambda audio, seed: augment(audio, seed, config.augment), seed) if config.augment else batches


def _changed(batches, change, seed):
    """Batches (audio, label, step) with audio changed by `change` (audio, seed of the step) -> audio."""
    return batches.map(
        lambda audio, label, step: (change(audio, tf.stack([tf.constant(seed, tf.int64), step])), label, step),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _initialise(network, init, bundled, load, stage):
    if init == "scratch":
        return
    source = load(bundled if init == "bundled" else init)
    ours, theirs = [[tuple(w.shape) for w in model.weights] for model in (network, source)]
    if ours != theirs or source.get_layer("spectrogram").config != network.get_layer("spectrogram").config:
        raise UserError(
            f"The {stage} {source.file} cannot be trained on: its width or spectrogram differs from this recipe's "
            f"(first stage {source.options['recipe'][stage]['width']} wide). Give the same ones, or --init scratch."
        )
    network.set_weights(source.get_weights())


def _classifier_of_inverter(request):
    """The classifier with which the run's inverter started, if it did: the run's own may have been trained further since."""
    kept = request.run / "inverter" / "classifier"
    return kept if (kept / FILES[0]).is_file() and not request.classifier else classifier_path(request)


def _keep_classifier(classifier, run):
    """Copy the classifier into the inverter's run, which computes its losses with this copy whenever it resumes."""
    kept = run.folder / "classifier"
    if (kept / FILES[0]).is_file():
        return
    for file, name in ((classifier.file.with_name("config.json"), "config.json"), (classifier.file, FILES[0])):  # the model last
        with replacing(kept / name) as partial:
            shutil.copyfile(file, partial)


def classifier_path(request):
    """The classifier that a `Request` means: the one named, the run's own, or the bundled one."""
    if request.classifier:
        return request.classifier
    try:
        return find_model(request.run, "classifier")
    except UserError:
        return defaults.CLASSIFIER


def _previews(run, request, trainer, valid, latents):
    """Some validation clips and some synthesised ones."""
    count = PREVIEW_CLIPS // 2
    chosen = np.linspace(0, len(valid) - 1, min(count, len(valid))).astype(int)
    generate = tf.function(lambda z: trainer.generator(z, training=False))
    invert = tf.function(lambda audio: trainer.network(audio, training=False))
    originals = np.concatenate([valid.take(list(chosen)).float_audio(), generate(latents[:count]).numpy()])
    titles = [f"real/{name}" for name in unique_names([valid.recordings[i].clip for i in chosen])] + [
        f"synthesised/{i}" for i in range(min(count, len(latents)))
    ]
    return Previews(
        run.folder / "logs",
        titles=titles,
        originals=originals,
        reconstruct=lambda audio: generate(invert(audio)).numpy(),
        sample_rate=request.recipe.audio.sample_rate,
    )
