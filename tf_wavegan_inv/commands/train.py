"""`train_keras.py`: train the classifier, the inverter, or both; or a WaveGAN."""

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
Train the digit classifier, the inverter on top of it, or all: both, then invert held-out clips by each method and print a table.
Or train a WaveGAN itself; the run folder then has official checkpoints, which --wavegan takes.

  python train_keras.py all                                        on the bundled clips and generator
  python train_keras.py all --data SC09 --wavegan model.ckpt       on one GPU, or on all there are
  python train_keras.py wavegan --data SC09 --run runs/gan         a WaveGAN from scratch, or from --init CKPT
  python train_keras.py inverter --run runs/a --epochs 300         resumes runs/a, or goes on to 300 epochs

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
        help="trained classifier through which an inverter, or a WaveGAN's second discriminator, hears (default: the run's own, or else "
        "the bundled one)",
    )
    p.add_argument("--run", "--out", metavar="DIR", type=pathlib.Path, default=pathlib.Path("runs/default"), help="run folder")
    p.add_argument("--recipe", help="best, paper, authors-code, digits, or a .toml file (default: best, or that of the --init models)")
    p.add_argument(
        "--init",
        default="scratch",
        help="begin from: scratch, bundled (the models that come along), or the path of a bundle or run; "
        "for wavegan an official checkpoint, taken up with its discriminator and optimisers where it has them",
    )
    p.add_argument("--epochs", type=positive, help="epochs of each stage (default: the recipe's)")
    p.add_argument("--steps", type=positive, help="of stage wavegan: updates of the generator in all (default: the recipe's)")
    p.add_argument("--dim", type=positive, help="of stage wavegan: the base width; 64 is the paper's (default: the recipe's)")
    p.add_argument("--loss", choices=("wgan-gp", "wgan", "dcgan", "lsgan"), help="of stage wavegan (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, help="clips a step, of all devices together (default: the recipe's)")
    p.add_argument("--width", type=positive, help="width of the ResNets; 64 is the paper's (default: the recipe's)")
    p.add_argument("--learning-rate", type=learning_rate, help="of Adam (default: the recipe's)")
    p.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        default="float32",
        help="of the networks' arithmetic; weights, optimisers and losses stay float32 (float16, for GPUs without bfloat16, scales losses)",
    )
    p.add_argument("--jit-compile", action="store_true", help="compile the training steps by XLA; one device only")
    p.add_argument(
        "--strategy",
        choices=("auto", "one", "mirrored", "workers"),
        default="auto",
        help="auto: the workers that TF_CONFIG tells of, or all GPUs where there are several",
    )
    p.add_argument("--replicas", type=positive, help="devices of --strategy mirrored (default: all GPUs; without a GPU, 2 logical CPUs)")
    p.add_argument("--seed", type=seed, default=0, help="of weights, order, augmentation and latents")
    p.add_argument("--profile", metavar="STEPS", type=positive, help="profile so many training steps of each stage, for TensorBoard")
    p.add_argument("--count", type=positive, default=64, help="held-out clips that stage all inverts for its table, at most")
    return p


def _check(options):
    """Raise UserError for options that contradict each other."""
    if (options.latent_dim or options.latent_range) and not options.generator:
        raise UserError("--latent-dim and --latent-range go with --generator; a WaveGAN knows them itself.")
    if options.stage == "wavegan" and options.dim and options.init != "scratch":
        raise UserError(f"--dim {options.dim} with --init {options.init}: the width is that of the checkpoint to begin from.")
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
    with contextlib.redirect_stdout(sys.stdout if workers.chief else io.StringIO()):  # of several one tells how it goes
        with workers.watched():
            _tell_cost(options.precision)
            request = _train(options, strategy)
            if options.stage == "all" and workers.chief:
                keras.config.set_dtype_policy("float32")  # inversion needs it
                _compare(request, options)
        print(f"Losses, audio and spectrograms: tensorboard --logdir {options.run}")


def _tell_cost(policy, at_least=1.5):
    """Say so where half precision makes training slower instead of faster."""
    from tf_wavegan_inv.training.half_precision import cost

    if policy != "float32" and (times := cost(policy.removeprefix("mixed_"))) > at_least:
        print(
            f"--precision {policy} makes training slower here: a convolution's gradients take {times:.0f} times as long as in float32. "
            "Unless that is meant, stop (Ctrl-C), leave it out, and give another --run: a run keeps the precision that it was begun with."
        )


def _train(options, strategy):
    """Train the stages that were asked for; returns the `Request`."""
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.recipe import load_recipe
    from tf_wavegan_inv.training import stages

    make_folder(options.run)
    recipe = load_recipe(options.recipe) if options.recipe else stages.default_recipe(options.init, options.stage)
    for stage in ("classifier", "inverter"):
        recipe = recipe.replace(
            stage, epochs=options.epochs, batch_size=options.batch_size, width=options.width, learning_rate=options.learning_rate
        )
    recipe = recipe.replace(
        "wavegan",
        steps=options.steps,
        dim=options.dim,
        loss=options.loss,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
    )
    folders = options.data or [defaults.DATA]
    request = stages.Request(
        recipe,
        None,
        folders,
        options.run,
        options.wavegan,
        options.classifier,
        options.init,
        strategy,
        options.seed,
        options.slice_len,
        options.profile or 0,
        options.generator,
        options.latent_dim,
        options.latent_range,
        jit_compile=options.jit_compile,
    )
    request.check_models(options.stage)  # before the clips, which may be many
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
    """Invert held-out clips by each method with the models of the run, write what `tf-wavegan-inv evaluate` writes, print a table."""
    from tf_wavegan_inv.commands.record import make_record
    from tf_wavegan_inv.evaluation.evaluate import Evaluator
    from tf_wavegan_inv.evaluation.publish import publish
    from tf_wavegan_inv.evaluation.sets import REAL, real, spread
    from tf_wavegan_inv.evaluation.tables import short_note, short_table
    from tf_wavegan_inv.files import write_json
    from tf_wavegan_inv.inversion.invert import METHODS, Inversion
    from tf_wavegan_inv.models.bundle import load_classifier, load_inverter
    from tf_wavegan_inv.models.generator import weights_file
    from tf_wavegan_inv.models.predictions import Judge

    split = "test" if request.corpus.labelled().recordings["test"] else "valid"
    generator = request.load_generator()
    inverter, classifier = load_inverter(request.run), load_classifier(request.run)
    clips = request.corpus.labelled().arrays(split, request.recipe.audio, *generator.output_shape[1:])
    clips = real(clips.take(spread(clips.labels, options.count, request.seed)))
    made_by = {"generator": weights_file(request.generator)} if request.generator else {"wavegan": request.wavegan}
    record = make_record(options, "train_keras.py", **made_by, inverter=inverter.file, classifier=classifier.file)
    write_json(request.run / "evaluation" / "run.json", record)
    methods = {
        m: Inversion(generator, method=m, inverter=inverter, classifier=classifier, config=request.recipe.inversion) for m in METHODS
    }
    out, rate = request.run / "evaluation", request.recipe.audio.sample_rate
    identity = [
        {k: v["sha256"] for k, v in record["models"].items()},
        request.recipe.to_dict()["inversion"],
        record["versions"]["tf-wavegan-inv"],
    ]
    evaluator = Evaluator(methods, Judge(classifier, with_features=True), out, rate, seed=request.seed, identity=identity)
    found = publish(evaluator([clips], Progress), out, record, rate, split=split)
    print(f"\nClips of the {split} split:\n\n{short_table(found, REAL)}\n\n{short_note()}")
    print(f"Tables, figures, clips to listen to: {out / 'report.html'}")
