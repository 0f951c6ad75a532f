"""Timing and tables for the benchmarks. Not a command."""

import time

import numpy as np
import tensorflow as tf


def seconds(function, repeats=5):
    """Wall and CPU seconds of one call, each the minimum of `repeats`, without the first call, which compiles."""
    function()
    wall, cpu = [], []
    for _ in range(repeats):
        began = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
    return min(wall), min(cpu)


def ceiling(dtype, size=4096):
    """FLOP/s of a large matrix product, as the machine's current limit."""
    a = tf.cast(tf.constant(np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)), dtype)
    product = tf.function(lambda: tf.matmul(a, a))
    return 2 * size**3 / seconds(product)[0]


def table(columns, rows):
    """Markdown of rows, lists of strings or numbers."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join(["---"] + ["---:"] * (len(columns) - 1)) + "|"]
    lines += ["| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
