"""Shared by all commands: argument types, arguments, start of TensorFlow, error messages, output folders."""

import argparse
import contextlib
import functools
import logging
import os
import pathlib
import sys

from tf_wavegan_inv.errors import StoppedError, UserError

EXIT_USER_ERROR = 2
MADE: list[pathlib.Path] = []  # folders that `make_folder` made


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, except None and False, and keeps line breaks."""

    def _get_help_string(self, action):
        return action.help if action.default is None or action.default is False else super()._get_help_string(action)


def replace_closed_streams() -> None:
    """Discard what is written to a standard output or error that the caller closed. Otherwise the next file opened would receive it."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
            os.dup2(getattr(sys, name).fileno(), descriptor)


def quiet_tensorflow() -> None:
    """Keep TensorFlow's log messages off the terminal. Must run before the import of TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("absl").setLevel(logging.ERROR)


def start_tensorflow() -> None:
    """Import TensorFlow without its start-up messages.

    TensorFlow 2.18 and newer write some to the process's standard error before they read the log level. That
    output is held back, and shown only if the import fails. Nothing is held back if the user's
    TF_CPP_MIN_LOG_LEVEL asks for messages.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3":
        import tensorflow

        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.memfd_create("stderr"), "r+b", buffering=0) as held:  # in memory: a folder for temporary files may be missing
        os.dup2(held.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def command(function):
    """Wrap a command's main: print errors of the user or the system as one message, return the exit code."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        replace_closed_streams()
        quiet_tensorflow()
        try:
            return function(*args, **kwargs) or 0
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_USER_ERROR
        except StoppedError as stopped:
            print(f"\n{stopped}", file=sys.stderr)
            return stopped.code
        except OSError as error:
            print(f"error: cannot read or write {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
            return EXIT_USER_ERROR
        except KeyboardInterrupt:
            print("\nInterrupted. The same command resumes.", file=sys.stderr)
            return 130
        finally:
            remove_empty_folders()

    return wrapped


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, received {value}")
    return value


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, received {text}")
    return value


def seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError(f"must be in 0..{2**31 - 1}, received {value}")
    return value


def learning_rate(text: str) -> float:
    value = float(text)
    if not 0 < value < 10:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 10, received {value}")
    return value


def make_folder(path: pathlib.Path) -> None:
    """Make the folder for results before the long part of the work. Raises OSError if that fails."""
    path = path.absolute()
    MADE.extend(folder for folder in (path, *path.parents) if not folder.exists())
    path.mkdir(parents=True, exist_ok=True)


def remove_empty_folders() -> None:
    """Remove the folders that `make_folder` made and that are still empty, because the command failed."""
    for folder in sorted(MADE, key=lambda made: len(made.parts), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    MADE.clear()


def add_audio_argument(parser: argparse.ArgumentParser) -> None:
    """Add the recordings to invert."""
    parser.add_argument(
        "audio",
        metavar="AUDIO_OR_FOLDER",
        type=pathlib.Path,
        nargs="*",
        help="audio files, or folders of them, including subfolders (default: the bundled test clips)",
    )


def add_model_arguments(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add those of --wavegan, --inverter and --classifier that are named."""
    from tf_wavegan_inv import defaults

    helps = {
        "wavegan": ("CKPT", "official WaveGAN checkpoint: prefix or folder", defaults.WAVEGAN),
        "inverter": ("PATH", "trained inverter: bundle, run folder or .keras file", defaults.INVERTER),
        "classifier": ("PATH", "trained classifier: bundle, run folder or .keras file", defaults.CLASSIFIER),
    }
    for name in names:
        metavar, text, default = helps[name]
        if name == "wavegan":
            parser.add_argument("--wavegan", metavar=metavar, type=pathlib.Path, default=default, help=text)
        else:  # None stands for the bundled one
            parser.add_argument(f"--{name}", metavar=metavar, type=pathlib.Path, help=f"{text} (default: {default})")
    if "wavegan" in names:
        parser.add_argument(
            "--slice-len", type=int, help="samples in a clip of the WaveGAN, if its checkpoint does not say (32768 or 65536)"
        )


def add_generator_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --generator, --latent-dim and --latent-range."""
    parser.add_argument(
        "--generator",
        metavar="PATH",
        type=pathlib.Path,
        help="any model z -> audio instead of --wavegan: a .keras file, or a folder with a SavedModel",
    )
    parser.add_argument("--latent-dim", metavar="N", type=positive, help="size of z for --generator, if the model does not say")
    parser.add_argument("--latent-range", metavar=("LOW", "HIGH"), type=float, nargs=2, help="range of z for --generator (default: -1 1)")


def clips_in_words(count: int) -> str:
    """1 -> "1 clip", 3 -> "3 clips"."""
    return f"{count} clip" if count == 1 else f"{count} clips"


def report_skipped(skipped: list, *, limit: int = 10) -> None:
    """Print the reasons of skipped files on standard error, `limit` at most."""
    for item in skipped[:limit]:
        print(f"skipped: {item.reason}", file=sys.stderr)
    if len(skipped) > limit:
        print(f"skipped: {len(skipped) - limit} more", file=sys.stderr)
