"""`tf-wavegan-inv beam`: audio -> z on a cluster, by Apache Beam."""

import argparse
import importlib.util
import logging
import os
import pathlib
import sys
import zlib

from tf_wavegan_inv.commands.common import add_model_arguments, clips_in_words, positive, seed
from tf_wavegan_inv.errors import UserError

LONGEST_REASON = 300  # characters


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--input",
        metavar="PATTERN",
        nargs="+",
        required=True,
        help="patterns of audio files, or of records with the ending .tfrecord, on any file system that Beam knows: 'clips/**.wav', "
        "'gs://bucket/*.tfrecord'; or local folders",
    )
    p.add_argument("--output", metavar="PREFIX", required=True, help="prefix of the written files: PREFIX-00000-of-00001.parquet")
    p.add_argument("--format", choices=("parquet", "tfrecord"), default="parquet", help="format of the written files")
    p.add_argument(
        "--method", choices=("inverter", "gradient", "hybrid"), default="hybrid", help="method of inversion, as for tf-wavegan-inv invert"
    )
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    p.add_argument("--recipe", help="recipe of the objective: a name, or a .toml file (default: the inverter's)")
    p.add_argument("--max-iterations", type=positive, help="limit of the L-BFGS iterations (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, default=32, help="largest number of clips optimised together")
    p.add_argument("--seed", type=seed, default=0, help="seed of the random starts")
    p.add_argument(
        "beam_options", metavar="-- BEAM_OPTION", nargs="*", help="options of Beam, after --: -- --runner=FlinkRunner --parallelism=8"
    )


def run(options: argparse.Namespace) -> None:
    if not importlib.util.find_spec("apache_beam") or not importlib.util.find_spec("pyarrow"):
        raise UserError("Apache Beam or PyArrow is not installed: pip install -e '.[beam]'.")
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    from apache_beam.io.filesystem import BeamIOError

    from tf_wavegan_inv.beam.handler import InversionHandler
    from tf_wavegan_inv.inversion.load import load_models

    models = {name: getattr(options, name) for name in ("wavegan", "inverter", "classifier", "recipe", "slice_len")}
    loaded = load_models(method=options.method, **models)  # here as well, to report errors before the work is distributed
    handler = InversionHandler(
        options.method,
        max_batch_size=options.batch_size,
        seed=options.seed,
        max_iterations=options.max_iterations,
        **models,
    )
    if options.beam_options and not options.beam_options[0].startswith("-"):
        raise UserError(f"{options.beam_options[0]!r} is no option of Beam: give options after --, as -- --runner=FlinkRunner.")
    try:
        inverted, skipped = _invert(options, handler, loaded)
    except UserError:
        raise
    except (BeamIOError, ValueError, RuntimeError, OSError, zlib.error) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        # The last line follows the worker's traceback, if there is one.
        raise UserError(f"Beam cannot run this pipeline: {lines[-1][:LONGEST_REASON]}") from None
    _report(options, inverted, skipped)


def _invert(options, handler, loaded):
    """Run the pipeline: numbers of inverted and of skipped clips."""
    import apache_beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from tf_wavegan_inv.beam.pipeline import counts, invert_files

    paths, patterns = _sort(options.input)
    _check(patterns, options.output, options.format)
    pipeline = apache_beam.Pipeline(options=PipelineOptions(options.beam_options))
    invert_files(
        pipeline,
        handler,
        paths=paths,
        patterns=patterns,
        output=options.output,
        config=loaded.audio,
        shape=loaded.shape,
        form=options.format,
    )
    result = pipeline.run()
    result.wait_until_finish()
    return counts(result)


def _report(options, inverted, skipped):
    written = f"{options.output}-*.{options.format}"
    if inverted:
        print(f"{clips_in_words(inverted)} inverted, {skipped} skipped: {written}")
    elif skipped:
        raise UserError(f"No clip could be inverted; {written} has the reasons ({clips_in_words(skipped)}, column note).")
    else:
        raise UserError(f"No clip could be inverted; --input {' '.join(options.input)} holds none.")


def _sort(inputs):
    """The paths and the patterns of --input: local audio files, also those of folders, and everything else."""
    from tf_wavegan_inv.audio.folders import audio_files
    from tf_wavegan_inv.beam.pipeline import is_records

    paths, patterns = [], []
    for text in inputs:
        path = pathlib.Path(text)
        if path.is_dir():
            paths += _named_in_utf8(audio_files(path))
        elif path.is_file() and not is_records(text):
            paths.append(path)
        else:
            patterns.append(_absolute(text))
    return paths, patterns


def _named_in_utf8(paths):
    """The paths that Beam can handle; the others are reported as skipped."""
    good = []
    for path in paths:
        try:
            str(path).encode()
            good.append(path)
        except UnicodeEncodeError:
            name = str(path).encode(errors="backslashreplace").decode()
            print(f"skipped: {name}: its name is no UTF-8; rename it.", file=sys.stderr)
    return good


def _absolute(pattern):
    """A local pattern with its folder, without which Beam does not match it."""
    return pattern if "://" in pattern else os.path.abspath(pattern)


def _check(patterns, output, form):
    """Raise UserError if a pattern matches nothing, or there are results at `output`. Make the folder of `output`."""
    from apache_beam.io.filesystems import FileSystems

    for pattern, found in zip(patterns, FileSystems.match(patterns, [1] * len(patterns)), strict=True):
        if not found.metadata_list:
            raise UserError(f"--input {pattern} matches no file.")
    if FileSystems.match([_absolute(f"{output}-*-of-*.{form}")], [1])[0].metadata_list:
        raise UserError(f"{output}-*.{form} holds results already: give another --output.")
    folder = FileSystems.split(output)[0]
    if folder and not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
