"""Latency and throughput of a SavedModel's signatures by batch size and concurrency, compared with Keras; memory over many requests.

    python benchmarks/serving.py [--requests 10000]

The SavedModel answers in this process: the figures exclude network and server.
"""

import argparse
import concurrent.futures
import os
import pathlib
import resource
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf

import tf_wavegan_inv as twi
from benchmarks.measure import ceiling, table
from tf_wavegan_inv.serving.export import export
from tf_wavegan_inv.serving.signatures import Signatures
from tf_wavegan_inv.serving.warmup import example_inputs

SIGNATURES = ("invert", "reconstruct", "classify", "generate", "reconstruct_wav", "refine")
SECONDS = 3.0  # duration of the requests for each figure
REFINE_STEPS = 20


def latencies(call, threads, seconds=SECONDS):
    """Seconds of each call, from `threads` threads during `seconds`, and calls a second."""
    call()
    until = time.perf_counter() + seconds

    def work():
        found = []
        while time.perf_counter() < until:
            began = time.perf_counter()
            call()
            found.append(time.perf_counter() - began)
        return found

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        parts = [f.result() for f in [pool.submit(work) for _ in range(threads)]]
    found = np.concatenate(parts)
    return found, len(found) / (time.perf_counter() - began)


def row(name, batch, threads, call):
    found, rate = latencies(call, threads)
    p50, p99 = np.quantile(found, [0.5, 0.99]) * 1000
    return [name, batch, threads, float(p50), float(p99), float(rate * batch)]


def memory(call, requests):
    """Growth of the process over many requests, after the first tenth, in MB."""
    for i in range(requests):
        if i == requests // 10:
            before = _resident()
        call()
    return _resident() - before


def _resident():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    parser.add_argument(
        "--requests", type=int, default=10000, help="number of requests of `classify`, one clip each, for the measurement of memory"
    )
    options = parser.parse_args()
    generator = twi.load_wavegan(twi.defaults.WAVEGAN)
    inverter, classifier = twi.load_inverter(twi.defaults.INVERTER), twi.load_classifier(twi.defaults.CLASSIFIER)
    recipe = inverter.recipe
    signatures = Signatures(generator, inverter=inverter, classifier=classifier, audio_config=recipe.audio, inversion=recipe.inversion)
    print(f"matrix product of 4096: {ceiling(tf.float32) / 1e9:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        served = tf.saved_model.load(str(export(signatures, pathlib.Path(folder), version=1))).signatures
    rows = []
    for batch in options.batches:
        inputs = example_inputs(signatures, batch)
        tensors = {name: {k: tf.constant(v) for k, v in values.items()} for name, values in inputs.items()}
        tensors["refine"]["steps"] = tf.fill([batch], REFINE_STEPS)
        for threads in options.threads:
            for name in SIGNATURES:
                rows.append(row(name, batch, threads, lambda name=name, tensors=tensors: served[name](**tensors[name])))
        audio = tensors["invert"]["audio"]
        rows.append(row("Keras: generator(inverter(audio))", batch, 1, lambda audio=audio: generator(inverter(audio))))
    print(table(["call", "batch", "threads", "p50 ms", "p99 ms", "clips/s"], rows))
    one = {k: tf.constant(v) for k, v in example_inputs(signatures, 1)["classify"].items()}
    grown = memory(lambda: served["classify"](**one), options.requests)
    print(f"\n{options.requests} requests, growth of memory after the first tenth: {grown:.1f} MB")


if __name__ == "__main__":
    main()
