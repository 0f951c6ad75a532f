"""`train_keras.py`: train the classifier, the inverter, both, or a WaveGAN."""

import argparse
import contextlib
import dataclasses
import io
import pathlib
import sys

from tf_wavegan_inv import defaults
from tf_wavegan_inv.commands.common import (
    HelpFormatter,
    add_generator_arguments,
    add_model_arguments,
    command,
    learning_rate,
    make_folder,
    positive,
    report_skipped,
    seed,
    start_tensorflow,
)
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

STAGES = ("classifier", "inverter", "wavegan", "all")

DESCRIPTION = """\
Train the classifier, the inverter that builds on it, or all: both, followed by an evaluation of all methods on held-out clips.
Or train a WaveGAN: its run folder holds official checkpoints for --wavegan.

  python train_keras.py all                                        on the bundled clips and generator
  python train_keras.py all --data SC09 --wavegan model.ckpt       on one GPU, or on all GPUs
  python train_keras.py wavegan --data SC09 --run runs/gan         a WaveGAN from scratch, or from --init CKPT
  python train_keras.py inverter --run runs/a --epochs 300         resumes runs/a, or extends it to 300 epochs

A run folder has a subfolder a stage: config.json, best.keras, last.keras, history.csv, TensorBoard logs. The same command resumes it.
"""


def parser():
    p = argparse.ArgumentParser(prog="train_keras.py", description=DESCRIPTION, formatter_class=HelpFormatter)
    p.add_argument("stage", nargs="?", choices=STAGES, default="all", help="what to train")
    p.add_argument(
        "--data",
        metavar="DIR",
        type=pathlib.Path,
        nargs="+",
        help="folders of clips: SC09, Speech Commands, or any audio (default: the bundled clips)",
    )
    add_model_arguments(p, "wavegan")
    add_generator_arguments(p)
    p.add_argument(
        "--classifier",
        metavar="PATH",
        type=pathlib.Path,
        help="trained classifier whose features an inverter, or a WaveGAN's second discriminator, uses (default: the run's own, or "
        "the bundled one)",
    )
    p.add_argument("--run", "--out", metavar="DIR", type=pathlib.Path, default=pathlib.Path("runs/default"), help="run folder")
    p.add_argument("--recipe", help="best, paper, authors-code, digits, or a .toml file (default: best, or the --init models' own)")
    p.add_argument(
        "--init",
        default="scratch",
        help="initial weights: scratch, bundled (the bundled models), or the path of a bundle or run; "
        "for wavegan an official checkpoint, with its discriminator and optimisers if it has them",
    )
    p.add_argument("--epochs", type=positive, help="number of epochs of each stage (default: the recipe's)")
    p.add_argument("--steps", type=positive, help="stage wavegan: total number of generator updates (default: the recipe's)")
    p.add_argument("--dim", type=positive, help="stage wavegan: base width, 64 in the paper (default: the recipe's)")
    p.add_argument("--loss", choices=("wgan-gp", "wgan", "dcgan", "lsgan"), help="stage wavegan: loss (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, help="clips in a step, all devices together (default: the recipe's)")
    p.add_argument("--width", type=positive, help="width of the ResNets, 64 in the paper (default: the recipe's)")
    p.add_argument("--learning-rate", type=learning_rate, help="learning rate of Adam (default: the recipe's)")
    p.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        default="float32",
        help="precision of the networks; weights, optimisers and losses stay float32 (float16 scales losses)",
    )
    p.add_argument("--jit-compile", action="store_true", help="compile the training steps with XLA, on one device only")
    p.add_argument(
        "--strategy",
        choices=("auto", "one", "mirrored", "workers"),
        default="auto",
        help="auto: the workers in TF_CONFIG, otherwise all GPUs",
    )
    p.add_argument(
        "--replicas", type=positive, help="number of devices of --strategy mirrored (default: all GPUs; without a GPU 2 logical CPUs)"
    )
    p.add_argument("--seed", type=seed, default=0, help="seed of weights, order, augmentation and z")
    p.add_argument("--profile", metavar="STEPS", type=positive, help="number of training steps of each stage to profile for TensorBoard")
    p.add_argument("--count", type=positive, default=64, help="stage all: largest number of held-out clips to invert")
    return p


def _check(options):
    """Raise UserError for options that contradict each other."""
    if (options.latent_dim or options.latent_range) and not options.generator:
        raise UserError("--latent-dim and --latent-range require --generator, and none was given: leave them out for a WaveGAN.")
    if options.stage == "wavegan" and options.dim and options.init != "scratch":
        raise UserError(f"--dim {options.dim} excludes --init {options.init}: the checkpoint sets the width; leave out --dim.")
    foreign = ("epochs", "width", "generator") if options.stage == "wavegan" else ("steps", "dim", "loss")
    given = [name for name in foreign if getattr(options, name)]
    if given:
        raise UserError(f"Stage {options.stage} has no --{given[0]}: leave it out.")


@command
def main(arguments=None):
    options = parser().parse_args(arguments)
    _check(options)
    start_tensorflow()
    import keras

    from tf_wavegan_inv.training.strategy import make_logical_cpus, make_strategy
    from tf_wavegan_inv.training.workers import Workers

    keras.config.set_dtype_policy(options.precision)
    if options.strategy == "mirrored":
        make_logical_cpus(options.replicas or 2)
    strategy = make_strategy(options.strategy, options.replicas)
    workers = Workers(strategy)
    with contextlib.redirect_stdout(sys.stdout if workers.chief else io.StringIO()):  # one worker prints
        with workers.watched():
            _warn_of_cost(options.precision)
            request = _train(options, strategy)
            if options.stage == "all" and workers.chief:
                keras.config.set_dtype_policy("float32")  # inversion needs it
                _compare(request, options)
        print(f"Losses, audio and spectrograms: tensorboard --logdir {options.run}")


def _warn_of_cost(policy, *, at_least=1.5):
    """Print a warning if half precision makes training slower on this machine."""
    from tf_wavegan_inv.training.half_precision import cost

    if policy != "float32" and (times := cost(policy.removeprefix("mixed_"))) > at_least:
        print(
            f"--precision {policy} makes training slower here: a convolution's gradients take {times:.0f} times as long as in float32. "
            "For float32, stop (Ctrl-C), leave it out and give another --run: a run keeps its precision."
        )


def _recipe(options):
    """The recipe with the options that replace its values."""
    from tf_wavegan_inv.recipe import load_recipe
    from tf_wavegan_inv.training import stages

    recipe = load_recipe(options.recipe) if options.recipe else stages.default_recipe(options.init, options.stage)
    shared = {"batch_size": options.batch_size, "learning_rate": options.learning_rate}
    for stage in ("classifier", "inverter"):
        recipe = recipe.replace(stage, epochs=options.epochs, width=options.width, **shared)
    return recipe.replace("wavegan", steps=options.steps, dim=options.dim, loss=options.loss, **shared)


def _train(options, strategy):
    """Train the requested stages; returns the `Request`."""
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.training import stages

    make_folder(options.run)
    folders = options.data or [defaults.DATA]
    same = ("run", "wavegan", "classifier", "init", "seed", "slice_len", "generator", "latent_dim", "latent_range", "jit_compile")
    request = stages.Request(
        recipe=_recipe(options),
        corpus=None,
        folders=folders,
        strategy=strategy,
        profile=options.profile or 0,
        **{name: getattr(options, name) for name in same},
    )
    request.check_models(options.stage)  # before reading the clips
    corpus = read_corpus(folders, Progress("checking clips"))
    report_skipped(corpus.skipped)
    request = dataclasses.replace(request, corpus=corpus)
    if options.stage == "wavegan":
        from tf_wavegan_inv.training.wavegan_stage import train_wavegan

        print(f"The WaveGAN is in {train_wavegan(request)}.")
    if options.stage in ("classifier", "all"):
        print(f"The classifier is in {stages.train_classifier(request)}.")
    if options.stage in ("inverter", "all"):
        print(f"The inverter is in {stages.train_inverter(request)}.")
    return request


def _compare(request, options):
    """Evaluate each method on held-out clips with the models of the run, as `tf-wavegan-inv evaluate` does."""
    from tf_wavegan_inv.commands.record import identity, make_record
    from tf_wavegan_inv.evaluation.evaluate import Evaluator
    from tf_wavegan_inv.evaluation.publish import publish
    from tf_wavegan_inv.evaluation.sets import REAL, real, spread
    from tf_wavegan_inv.evaluation.tables import short_note, short_table
    from tf_wavegan_inv.files import write_json
    from tf_wavegan_inv.inversion.invert import METHODS
    from tf_wavegan_inv.inversion.load import Models
    from tf_wavegan_inv.models.bundle import load_classifier, load_inverter
    from tf_wavegan_inv.models.predictions import ClipClassifier

    split = "test" if request.corpus.labelled().recordings["test"] else "valid"
    generator, recipe, out = request.load_generator(), request.recipe, request.run / "evaluation"
    inverter, classifier = load_inverter(request.run), load_classifier(request.run)
    clips = request.corpus.labelled().arrays(split, recipe.audio, *generator.output_shape[1:])
    clips = real(clips.take(spread(clips.labels, options.count, seed=request.seed)))
    models = Models(generator, inverter, classifier, audio=recipe.audio, config=recipe.inversion)
    record = make_record(options, program="train_keras.py", **models.files)
    write_json(out / "run.json", record)
    evaluator = Evaluator(
        {method: dataclasses.replace(models, method=method).inversion for method in METHODS},
        ClipClassifier(classifier, with_features=True),
        out=out,
        sample_rate=recipe.audio.sample_rate,
        seed=request.seed,
        identity=identity(record, recipe.to_dict()["inversion"]),
    )
    evaluation = evaluator([clips], progress=Progress)
    found = publish(evaluation, out, record=record, sample_rate=recipe.audio.sample_rate, split=split)
    print(f"\nClips of the {split} split:\n\n{short_table(found, REAL)}\n\n{short_note()}")
    print(f"Tables, figures and clips: {out / 'report.html'}")
