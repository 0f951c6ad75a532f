"""`tf-wavegan-inv evaluate`: the paper's tables and figures, and a report."""

import pathlib

from tf_wavegan_inv.commands.common import add_model_arguments, make_folder, positive, report_skipped, seed
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

SETS = ("synthesised", "real")
METHODS = ("gradient", "inverter", "hybrid")  # in the paper's order


def add_arguments(p):
    p.add_argument(
        "--data",
        metavar="DIR",
        type=pathlib.Path,
        nargs="+",
        help="folders of real clips: SC09, Speech Commands, or any audio (default: the bundled clips)",
    )
    p.add_argument("--split", choices=("train", "valid", "test", "all"), default="test", help="which of the real clips")
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    p.add_argument(
        "--judge",
        metavar="PATH",
        type=pathlib.Path,
        help="another classifier to hear the digits, one that takes no part in training and optimisation (default: the classifier)",
    )
    p.add_argument("--inception", metavar="CKPT", type=pathlib.Path, help="WaveGAN's official classifier, for its Inception Score as well")
    p.add_argument("--recipe", help="whose objective to minimise: a name as for train_keras.py, or a .toml file (default: the inverter's)")
    p.add_argument("--methods", choices=METHODS, nargs="+", help="of inversion; clips are ranked by the last (default: all three)")
    p.add_argument("--sets", choices=SETS, nargs="+", help="clips that the WaveGAN makes, real clips (default: both)")
    p.add_argument("--count", type=positive, default=50, help="clips of each set, at most; of the real ones digits evenly")
    p.add_argument("--max-iterations", type=positive, help="of L-BFGS (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, default=32, help="clips optimised together")
    p.add_argument("--splits", type=positive, default=2, help="of the Inception Score")
    p.add_argument("--listen", type=positive, default=24, help="clips of each set that can be heard in the report")
    p.add_argument("--speech", action="store_true", help="also STOI and PESQ, where pystoi and pesq are installed")
    p.add_argument("--seed", type=seed, default=0, help="of the clips and of the random starts")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("evaluation"),
        help="folder for report.html, tables.json, *.md, *.png, clips.csv, audio/, logs/; the same command goes on where one was stopped",
    )


def run(options):
    import dataclasses

    from tf_wavegan_inv.commands.record import make_record
    from tf_wavegan_inv.evaluation.evaluate import Evaluator
    from tf_wavegan_inv.evaluation.publish import publish
    from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED, synthesised
    from tf_wavegan_inv.evaluation.tables import short_note, short_table
    from tf_wavegan_inv.files import write_json
    from tf_wavegan_inv.inversion.load import load_models
    from tf_wavegan_inv.models.predictions import Judge
    from tf_wavegan_inv.wavegan.inception import load_inception

    options.methods, options.sets = options.methods or METHODS, options.sets or SETS
    make_folder(options.out)
    trained = load_models(
        wavegan=options.wavegan,
        slice_len=options.slice_len,
        inverter=options.inverter,
        classifier=options.classifier,
        recipe=options.recipe,
        needs_inverter=set(options.methods) != {"gradient"},
    )
    generator = trained.generator
    judge, official = Judge(_judge(options, trained, generator), with_features=True), None
    if options.inception:
        official = load_inception(options.inception)
        if official.input_shape != generator.output_shape:
            raise UserError(f"--inception hears audio of shape {official.input_shape[1:]}, the WaveGAN makes {generator.output_shape[1:]}.")
        official = Judge(official)
    files = {"inverter": trained.inverter, "classifier": trained.classifier, "judge": judge.classifier}
    files = {kind: model.file for kind, model in files.items() if model}
    record = make_record(options, wavegan=options.wavegan, **files) | {"inversion": dataclasses.asdict(trained.config)}
    write_json(options.out / "run.json", record)

    sets, all_real = [], None
    if SYNTHESISED in options.sets:
        sets.append(synthesised(generator, options.count, options.seed))
    if REAL in options.sets:
        clips, all_real = _real(options, trained.audio, generator, judge)
        sets.append(clips)
    rate = trained.audio.sample_rate
    evaluator = Evaluator(
        {m: dataclasses.replace(trained, method=m).inversion for m in dict.fromkeys(options.methods)},
        judge,
        options.out,
        rate,
        options.batch_size,
        options.seed,
        options.max_iterations,
        identity=[
            {k: v["sha256"] for k, v in record["models"].items() if k != "judge"},
            record["inversion"],
            record["versions"]["tf-wavegan-inv"],
        ],
        official=official,
        with_speech=options.speech,
    )
    found = publish(evaluator(sets, Progress), options.out, record, rate, options.splits, all_real, options.listen, options.split)
    print("\n" + "\n\n".join(short_table(found, clips.name) for clips in sets) + f"\n\n{short_note(own_judge=not options.judge)}")
    print(f"Tables, figures, clips to listen to: {options.out / 'report.html'}")


def _judge(options, trained, generator):
    """The classifier that hears the digits."""
    from tf_wavegan_inv.inversion.compatibility import check_shapes
    from tf_wavegan_inv.metrics import speech
    from tf_wavegan_inv.models.bundle import load_classifier

    if options.speech and not speech.available():
        raise UserError("--speech needs pystoi or pesq: pip install -e '.[speech]'.")
    judge = load_classifier(options.judge) if options.judge else trained.classifier
    if judge is None:
        raise UserError(f"The bundled classifier hears other audio than {options.wavegan} makes: give --classifier.")
    check_shapes(judge, generator, kind="classifier")
    return judge


def _real(options, audio_config, generator, judge):
    """The real clips to invert, and what the judge hears in all of their split: (Heard, labels, speakers)."""
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.dataset import load_arrays
    from tf_wavegan_inv.audio.folders import SPLITS
    from tf_wavegan_inv.audio.labels import UNKNOWN
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.evaluation.sets import real, spread

    folders = options.data or [defaults.DATA]
    corpus = read_corpus(folders, Progress("checking clips"))
    report_skipped(corpus.skipped)
    chosen = [r for split in SPLITS if options.split in (split, "all") for r in corpus.recordings[split]]
    if not chosen:
        counts = ", ".join(f"{split} {len(corpus.recordings[split])}" for split in SPLITS)
        raise UserError(f"No clips of the split {options.split!r} in {', '.join(map(str, folders))} ({counts}): give --split all.")
    labelled = [r for r in chosen if r.clip.label != UNKNOWN] or chosen
    total = sum(len(recordings) for recordings in corpus.recordings.values())
    print(f"{len(chosen)} of {total} real clips are of the split {options.split!r} (--split).")
    if len(labelled) < len(chosen):
        print(f"{len(chosen) - len(labelled)} of them are left out: their digit is unknown.")
    clips = load_arrays(labelled, audio_config, *generator.output_shape[1:])
    everything = real(clips)
    heard = judge.hear(everything)
    return real(clips.take(spread(clips.labels, options.count, options.seed))), (heard, everything.labels, everything.speakers)
