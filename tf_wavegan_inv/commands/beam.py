"""`tf-wavegan-inv beam`: audio -> z on a cluster, by Apache Beam."""

import importlib.util
import logging
import os
import pathlib
import sys
import zlib

from tf_wavegan_inv.commands.common import add_model_arguments, clips_in_words, positive, seed
from tf_wavegan_inv.errors import UserError

LONGEST_REASON = 300  # characters


def add_arguments(p):
    p.add_argument(
        "--input",
        metavar="PATTERN",
        nargs="+",
        required=True,
        help="audio files, or records that end in .tfrecord, on any file system that Beam knows: 'clips/**.wav', 'gs://bucket/*.tfrecord'; "
        "or a local folder",
    )
    p.add_argument("--output", metavar="PREFIX", required=True, help="of what is written: PREFIX-00000-of-00001.parquet")
    p.add_argument("--format", choices=("parquet", "tfrecord"), default="parquet", help="of what is written")
    p.add_argument("--method", choices=("inverter", "gradient", "hybrid"), default="hybrid", help="as for tf-wavegan-inv invert")
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    p.add_argument("--recipe", help="whose objective to minimise: a name, or a .toml file (default: the inverter's)")
    p.add_argument("--max-iterations", type=positive, help="of L-BFGS (default: the recipe's)")
    p.add_argument("--batch-size", type=positive, default=32, help="clips optimised together, at most")
    p.add_argument("--seed", type=seed, default=0, help="of what is random")
    p.add_argument(
        "beam_options", metavar="-- BEAM_OPTION", nargs="*", help="Beam's own, after --: -- --runner=FlinkRunner --parallelism=8"
    )


def run(options):
    if not importlib.util.find_spec("apache_beam") or not importlib.util.find_spec("pyarrow"):
        raise UserError("This needs Apache Beam: pip install -e '.[beam]'.")
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    import apache_beam
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.options.pipeline_options import PipelineOptions

    from tf_wavegan_inv.beam.handler import InversionHandler
    from tf_wavegan_inv.beam.pipeline import counts, invert_files
    from tf_wavegan_inv.inversion.load import load_models

    models = {name: getattr(options, name) for name in ("wavegan", "inverter", "classifier", "recipe", "slice_len")}
    loaded = load_models(method=options.method, **models)  # here too, so that what is wrong with them is said before the work is given away
    handler = InversionHandler(options.method, options.batch_size, options.seed, options.max_iterations, **models)
    if options.beam_options and not options.beam_options[0].startswith("-"):
        raise UserError(f"{options.beam_options[0]!r} is no option: what Beam is told comes after --, as -- --runner=FlinkRunner.")
    paths, patterns = _sort(options.input)
    try:
        _check(patterns, options.output, options.format)
        pipeline = apache_beam.Pipeline(options=PipelineOptions(options.beam_options))
        invert_files(pipeline, paths, patterns, options.output, handler, loaded.audio, loaded.shape, options.format)
        result = pipeline.run()
        result.wait_until_finish()
    except UserError:
        raise
    except (BeamIOError, ValueError, RuntimeError, OSError, zlib.error) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise UserError(f"Beam cannot run this: {lines[-1][:LONGEST_REASON]}") from None  # after the worker's traceback, if any
    inverted, skipped = counts(result)
    written = f"{options.output}-*.{options.format}"
    if not inverted:
        why = (
            f"{written} has the reasons ({clips_in_words(skipped)}, column note)"
            if skipped
            else f"--input {' '.join(options.input)} has none"
        )
        raise UserError(f"No clip could be inverted; {why}.")
    print(f"{clips_in_words(inverted)} inverted, {skipped} skipped: {written}")


def _sort(inputs):
    """What --input names: local audio files, those of folders among them, and patterns."""
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
    """Those of the paths that Beam can handle; of the others it is said that they cannot be."""
    good = []
    for path in paths:
        try:
            str(path).encode()
            good.append(path)
        except UnicodeEncodeError:
            print(f"skipped: {str(path).encode(errors='backslashreplace').decode()}: its name is no UTF-8; rename it.", file=sys.stderr)
    return good


def _absolute(pattern):
    """A local pattern as Beam matches it: one without a folder it does not."""
    return pattern if "://" in pattern else os.path.abspath(pattern)


def _check(patterns, output, form):
    """Raise UserError where a pattern matches nothing, or results are there already, or cannot be."""
    from apache_beam.io.filesystems import FileSystems

    for pattern, found in zip(patterns, FileSystems.match(patterns, [1] * len(patterns)), strict=True):
        if not found.metadata_list:
            raise UserError(f"--input {pattern} matches no file.")
    if FileSystems.match([_absolute(f"{output}-*-of-*.{form}")], [1])[0].metadata_list:
        raise UserError(f"There are results at {output}-*.{form} already: give another --output.")
    folder = FileSystems.split(output)[0]
    if folder and not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
