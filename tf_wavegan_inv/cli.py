"""The command `tf-wavegan-inv`."""

import argparse
import sys

import tf_wavegan_inv
from tf_wavegan_inv.commands import beam, convert, evaluate, explore, export, generate, invert, prepare, request
from tf_wavegan_inv.commands.common import HelpFormatter, command, start_tensorflow

COMMANDS = {
    "generate": (generate, "z -> audio: clips of random or given latent vectors"),
    "invert": (invert, "audio -> z: the latent vectors that regenerate recordings"),
    "evaluate": (evaluate, "the paper's tables and figures, and a report with playable clips"),
    "explore": (explore, "interpolations, directions and neighbours of latent vectors"),
    "export": (export, "a SavedModel for TensorFlow Serving"),
    "request": (request, "audio -> z on a TensorFlow Serving server"),
    "beam": (beam, "audio -> z on a cluster, with Apache Beam"),
    "prepare": (prepare, "a data set folder -> TFRecord shards, for training"),
    "convert": (convert, "WaveGAN files between formats: official checkpoint, frozen graph, Keras file"),
}


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="tf-wavegan-inv", description=tf_wavegan_inv.__doc__.splitlines()[0], formatter_class=HelpFormatter)
    p.add_argument("--version", action="version", version=tf_wavegan_inv.__version__)
    commands = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", formatter_class=HelpFormatter)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return p


@command
def main(arguments=None):
    options = parser().parse_args(arguments)
    start_tensorflow()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
