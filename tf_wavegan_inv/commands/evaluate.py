"""`tf-wavegan-inv evaluate`: the paper's tables and figures, and a report."""

import argparse
import pathlib

from tf_wavegan_inv.commands.common import add_model_arguments, make_folder, positive, report_skipped, seed
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

SETS = ("synthesised", "real")
METHODS = ("gradient", "inverter", "hybrid")  # in the paper's order


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--data",
        metavar="DIR",
        type=pathlib.Path,
        nargs="+",
        help="folders of real clips: SC09, Speech Commands, or any audio (default: the bundled clips)",
    )
    p.add_argument("--split", choices=("train", "valid", "test", "all"), default="test", help="split of the real clips")
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    p.add_argument(
        "--scoring-classifier",
        metavar="PATH",
        type=pathlib.Path,
        help="classifier that predicts the labels for the tables, independent of training and optimisation (default: --classifier)",
    )
    p.add_argument("--inception", metavar="CKPT", type=pathlib.Path, help="WaveGAN's official classifier, for a second Inception Score")
    p.add_argument("--recipe", help="recipe of the objective: a name as for train_keras.py, or a .toml file (default: the inverter's)")
    p.add_argument("--methods", choices=METHODS, nargs="+", help="methods of inversion; the last one ranks the clips (default: all)")
    p.add_argument("--sets", choices=SETS, nargs="+", help="sets of clips to invert (default: both)")
    _add_number_arguments(p)
    p.add_argument("--speech", action="store_true", help="compute STOI and PESQ, if pystoi and pesq are installed")
    p.add_argument("--seed", type=seed, default=0, help="seed of the choice of clips and of the random starts")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("evaluation"),
        help="folder for report.html, tables.json, *.md, *.png, clips.csv, audio/, logs/; the same command resumes after an interruption",
    )


def _add_number_arguments(p):
    p.add_argument("--count", type=positive, default=50, help="largest number of clips in each set; real clips evenly over the labels")
    p.add_argument("--max-iterations", type=positive, help="limit of the L-BFGS iterations (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, default=32, help="number of clips optimised together")
    p.add_argument("--splits", type=positive, default=2, help="number of splits of the Inception Score")
    p.add_argument("--playable", type=positive, default=24, help="number of clips of each set that the report plays")


def run(options: argparse.Namespace) -> None:
    import dataclasses

    from tf_wavegan_inv.commands.record import identity, make_record
    from tf_wavegan_inv.evaluation.evaluate import Evaluator
    from tf_wavegan_inv.evaluation.publish import publish
    from tf_wavegan_inv.evaluation.tables import short_note, short_table
    from tf_wavegan_inv.files import write_json

    options.methods, options.sets = options.methods or METHODS, options.sets or SETS
    make_folder(options.out)
    trained = _models(options)
    generator = trained.generator
    classifier, official = _scoring_classifier(options, trained, generator), _official(options, generator)
    files = trained.files | {"scoring_classifier": classifier.classifier.file}
    record = make_record(options, **files) | {"inversion": dataclasses.asdict(trained.config)}
    write_json(options.out / "run.json", record)
    sets, all_real = _sets(options, trained.audio, generator, classifier)
    evaluator = Evaluator(
        {method: dataclasses.replace(trained, method=method).inversion for method in dict.fromkeys(options.methods)},
        classifier,
        out=options.out,
        sample_rate=trained.audio.sample_rate,
        batch_size=options.batch_size,
        seed=options.seed,
        max_iterations=options.max_iterations,
        identity=identity(record, record["inversion"], without=("scoring_classifier",)),
        official=official,
        with_speech=options.speech,
    )
    found = publish(
        evaluator(sets, progress=Progress),
        options.out,
        record=record,
        sample_rate=trained.audio.sample_rate,
        splits=options.splits,
        all_real=all_real,
        playable=options.playable,
        split=options.split,
    )
    tables = "\n\n".join(short_table(found, clips.name) for clips in sets)
    print(f"\n{tables}\n\n{short_note(biased=not options.scoring_classifier)}")
    print(f"Tables, figures and clips: {options.out / 'report.html'}")


def _models(options):
    """The WaveGAN and the models that invert its clips, as `Models`."""
    from tf_wavegan_inv.inversion.load import load_models
    from tf_wavegan_inv.metrics import speech

    if options.speech and not speech.available():
        raise UserError("--speech requires pystoi or pesq, and none is installed: pip install -e '.[speech]'.")
    return load_models(
        wavegan=options.wavegan,
        slice_len=options.slice_len,
        inverter=options.inverter,
        classifier=options.classifier,
        recipe=options.recipe,
        needs_inverter=set(options.methods) != {"gradient"},
    )


def _scoring_classifier(options, trained, generator):
    """The `ClipClassifier` that predicts the labels for the tables."""
    from tf_wavegan_inv.inversion.compatibility import check_shapes
    from tf_wavegan_inv.models.bundle import load_classifier
    from tf_wavegan_inv.models.predictions import ClipClassifier

    classifier = load_classifier(options.scoring_classifier) if options.scoring_classifier else trained.classifier
    if classifier is None:
        raise UserError(f"The bundled classifier does not take clips of {options.wavegan}: give --classifier.")
    check_shapes(classifier, generator, kind="classifier")
    return ClipClassifier(classifier, with_features=True)


def _official(options, generator):
    """WaveGAN's official classifier as a `ClipClassifier`, or None if it is not requested."""
    from tf_wavegan_inv.models.predictions import ClipClassifier
    from tf_wavegan_inv.wavegan.inception import load_inception

    if not options.inception:
        return None
    official = load_inception(options.inception)
    if official.input_shape != generator.output_shape:
        theirs, ours = official.input_shape[1:], generator.output_shape[1:]
        raise UserError(f"--inception takes clips of shape {theirs}, and the WaveGAN makes clips of shape {ours}: leave it out.")
    return ClipClassifier(official)


def _sets(options, audio_config, generator, classifier):
    """The sets of clips to invert, and all real clips of the split: (Predictions, labels, speakers), or None."""
    from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED, real, spread, synthesised

    sets, all_real = [], None
    if SYNTHESISED in options.sets:
        sets.append(synthesised(generator, options.count, seed=options.seed))
    if REAL in options.sets:
        clips = _real_clips(options, audio_config, generator)
        everything = real(clips)
        all_real = classifier.classify_set(everything), everything.labels, everything.speakers
        sets.append(real(clips.take(spread(clips.labels, options.count, seed=options.seed))))
    return sets, all_real


def _real_clips(options, audio_config, generator):
    """The clips of the split with a true label, as `ClipArrays`; all clips if none has one."""
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.dataset import load_arrays
    from tf_wavegan_inv.audio.folders import SPLITS
    from tf_wavegan_inv.audio.labels import UNKNOWN
    from tf_wavegan_inv.audio.load import read_corpus

    folders = options.data or [defaults.DATA]
    corpus = read_corpus(folders, Progress("checking clips"))
    report_skipped(corpus.skipped)
    chosen = [r for split in SPLITS if options.split in (split, "all") for r in corpus.recordings[split]]
    if not chosen:
        counts = ", ".join(f"{split} {len(corpus.recordings[split])}" for split in SPLITS)
        names = ", ".join(map(str, folders))
        raise UserError(f"No clips of the split {options.split!r} in {names} ({counts}): give --split all.")
    labelled = [r for r in chosen if r.clip.label != UNKNOWN] or chosen
    total = sum(len(recordings) for recordings in corpus.recordings.values())
    print(f"{len(chosen)} of {total} real clips belong to the split {options.split!r} (--split).")
    if len(labelled) < len(chosen):
        print(f"{len(chosen) - len(labelled)} of them have no known label and are excluded.")
    return load_arrays(labelled, audio_config, *generator.output_shape[1:])
