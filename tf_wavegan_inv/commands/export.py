"""`tf-wavegan-inv export`: a SavedModel for TensorFlow Serving."""

import argparse
import importlib.util
import pathlib
import sys

from tf_wavegan_inv.commands.common import add_model_arguments, positive
from tf_wavegan_inv.errors import UserError


def add_arguments(p: argparse.ArgumentParser) -> None:
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    p.add_argument("--recipe", help="recipe of the objective of `refine`: a name, or a .toml file (default: the inverter's)")
    p.add_argument("--version", type=positive, help="number of this version (default: the next)")
    p.add_argument("--name", default="wavegan_inversion", help="name of the served model")
    p.add_argument("--weights", choices=("float32", "bfloat16", "float16"), default="float32", help="type of the stored weights")
    p.add_argument(
        "--tflite",
        choices=("float32", "float16", "int8"),
        help="also write a TFLite file with weights of this type: assets.extra/model.tflite",
    )
    p.add_argument("--no-warmup", action="store_true", help="without the requests that the server replays when it loads the model")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("served"),
        help="folder of the model: DIR/<version>/saved_model.pb, DIR/models.config, DIR/batching_parameters.txt",
    )
    p.set_defaults(seed=0)


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.commands.record import make_record
    from tf_wavegan_inv.inversion.load import load_models
    from tf_wavegan_inv.serving.export import export, next_version, write_configuration
    from tf_wavegan_inv.serving.lite import FILE as LITE_FILE
    from tf_wavegan_inv.serving.lite import write_lite
    from tf_wavegan_inv.serving.signatures import Signatures
    from tf_wavegan_inv.serving.warmup import write_warmup

    if options.tflite and options.weights != "float32":
        raise UserError(f"--tflite {options.tflite} sets its own type and received --weights {options.weights}: leave out --weights.")
    trained = load_models(
        wavegan=options.wavegan,
        slice_len=options.slice_len,
        inverter=options.inverter,
        classifier=options.classifier,
        recipe=options.recipe,
    )
    if trained.classifier is None:
        raise UserError(f"The bundled classifier does not take clips of {options.wavegan}: give --classifier.")
    if trained.config.line_search != "weak_wolfe":
        print(f"[inversion] line_search = {trained.config.line_search!r} is not served: refine uses 'weak_wolfe'.", file=sys.stderr)
    signatures = Signatures(
        trained.generator,
        inverter=trained.inverter,
        classifier=trained.classifier,
        audio_config=trained.audio,
        inversion=trained.config,
    )
    record = make_record(options, wavegan=options.wavegan, inverter=trained.inverter.file, classifier=trained.classifier.file)
    warm = not options.no_warmup
    if warm and not importlib.util.find_spec("tensorflow_serving"):
        print("No warm-up: it requires tensorflow-serving-api, pip install -e '.[serving]'.", file=sys.stderr)
        warm = False

    def add(path):
        if options.tflite:
            write_lite(path, path / LITE_FILE, kind=options.tflite)
        if warm:
            write_warmup(path, signatures, model_name=options.name)

    path = export(
        signatures,
        options.out,
        version=options.version or next_version(options.out),
        record=record,
        add=add,
        weights=options.weights,
    )
    write_configuration(options.out, name=options.name)
    print(f"{', '.join(signatures.functions())}: {path}")
    print(f"saved_model_cli show --dir {path} --all")
