"""The command `tf-wavegan-inv`."""

import argparse
import sys

import tf_wavegan_inv
from tf_wavegan_inv.commands import beam, convert, evaluate, explore, export, generate, invert, prepare, request
from tf_wavegan_inv.commands.common import HelpFormatter, command, start_tensorflow

COMMANDS = {
    "generate": (generate, "z -> audio: clips from random latents, or from yours"),
    "invert": (invert, "audio -> z: the latents that regenerate your clips"),
    "evaluate": (evaluate, "the paper's tables and figures, and a report to look at and listen to"),
    "explore": (explore, "what lies between, around and near the latents of clips"),
    "export": (export, "a SavedModel for TensorFlow Serving"),
    "request": (request, "audio -> z by a TensorFlow Serving server"),
    "beam": (beam, "audio -> z on a cluster, by Apache Beam"),
    "prepare": (prepare, "a data set folder -> TFRecord shards, for training"),
    "convert": (convert, "WaveGAN files: official checkpoint, frozen graph, Keras file"),
}


def parser():
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
