"""The pipeline: audio files or TFRecords -> z in Parquet or TFRecords."""

import pathlib
import re

import apache_beam as beam
import numpy as np
import pyarrow
import tensorflow as tf
from apache_beam.io import fileio
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference

from tf_wavegan_inv.audio.folders import EXTENSIONS
from tf_wavegan_inv.beam.decode import SKIPPED, Decode
from tf_wavegan_inv.beam.handler import InversionHandler
from tf_wavegan_inv.config import AudioConfig
from tf_wavegan_inv.evaluation.columns import FOUND, LABELS, MEASURED

NAMESPACE, INVERTED = "tf_wavegan_inv", "inverted"
TEXTS, INTEGERS = ("path", "method", "status", "note"), ("iterations", "evaluations", *LABELS)
FLOATS = tuple(name for name in (*FOUND, *MEASURED) if name not in (*TEXTS, *INTEGERS))
SCHEMA = pyarrow.schema(
    [(name, pyarrow.string()) for name in TEXTS]
    + [(name, pyarrow.int32()) for name in INTEGERS]
    + [(name, pyarrow.float32()) for name in FLOATS]
    + [("z", pyarrow.list_(pyarrow.float32()))]
)


def invert_files(
    pipeline: beam.Pipeline,
    handler: InversionHandler,
    *,
    paths: list[pathlib.Path],
    patterns: list[str],
    output: str,
    config: AudioConfig,
    shape: tuple[int, int],
    form: str = "parquet",
) -> beam.PCollection:
    """Add to a pipeline: read, invert, write.

    Args:
        pipeline: beam.Pipeline.
        handler: InversionHandler.
        paths: list of pathlib.Path. Audio files.
        patterns: list of str. Patterns of audio files or records (`is_records`) on any file system that Beam knows.
        output: str. Prefix of the written files: `output`-00000-of-00001.parquet or .tfrecord.
        config: AudioConfig. How audio is conditioned.
        shape: (samples, channels) of a clip.
        form: str. "parquet" or "tfrecord". Default "parquet".

    Returns:
        PCollection of the rows: dicts with the names of `SCHEMA`, including skipped files. `counts` counts them.
    """
    rows = []
    for kind, elements in _elements(pipeline, paths, patterns).items():
        decode = beam.ParDo(Decode(config, shape, records=kind == "records"))
        decoded = elements | f"decode {kind}" >> decode.with_outputs(SKIPPED, main="clips")
        inverted = decoded.clips | f"invert {kind}" >> RunInference(KeyedModelHandler(handler))
        rows.append(inverted | f"rows of {kind}" >> beam.Map(_row, handler.method))
        rows.append(decoded[SKIPPED] | f"rows of skipped {kind}" >> beam.Map(_with_method, handler.method))
    rows = rows | "all rows" >> beam.Flatten() | "count" >> beam.ParDo(Count())
    if form == "parquet":
        rows | "write" >> beam.io.WriteToParquet(output, SCHEMA, file_name_suffix=".parquet")
    else:
        examples = rows | "as examples" >> beam.Map(row_to_example)
        examples | "write" >> beam.io.WriteToTFRecord(output, file_name_suffix=".tfrecord")
    return rows


def _elements(pipeline, paths, patterns):
    """The elements to decode: dict of "files" to paths, each once, and of "records" to the bytes of records."""
    matched = (
        pipeline
        | "patterns" >> beam.Create([pattern for pattern in patterns if not is_records(pattern)])
        | "match" >> fileio.MatchAll()
        | "paths" >> beam.Map(lambda found: found.path)
        | "audio alone" >> beam.Filter(lambda path: path.lower().endswith(EXTENSIONS))
    )
    named = pipeline | "named files" >> beam.Create([str(path) for path in paths])
    records = pipeline | "patterns of records" >> beam.Create([pattern for pattern in patterns if is_records(pattern)])
    return {
        "files": (matched, named) | "all files" >> beam.Flatten() | "each once" >> beam.Distinct() | "spread" >> beam.Reshuffle(),
        "records": records | "read records" >> beam.io.ReadAllFromTFRecord(),
    }


class Count(beam.DoFn):
    """Counts the rows by status and passes them on."""

    def process(self, row):
        Metrics.counter(NAMESPACE, SKIPPED if row["status"] == SKIPPED else INVERTED).inc()
        yield row


def counts(result) -> tuple[int, int]:
    """Numbers of inverted and of skipped clips of a PipelineResult."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    return tuple(sum(c.result for c in found if c.key.metric.name == name) for name in (INVERTED, SKIPPED))


def is_records(pattern: str) -> bool:
    """Whether a path or pattern stands for TFRecords: x.tfrecord, x.tfrecords.gz, x.tfrecord-00000-of-00008, x.tfrecord*."""
    return re.search(r"\.tfrecords?(\.gz)?([-*?][^/]*)?$", pattern) is not None


def _with_method(row, method):
    return row | {"method": method}


def _row(named, method):
    """(name, PredictionResult) as a row of plain Python values."""
    name, result = named
    found = {key: _plain(value) for key, value in result.inference.items()}
    return {"path": name, "method": method, "note": ""} | found


def _plain(value):
    value = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def row_to_example(row: dict) -> bytes:
    """A row as a serialised tf.train.Example, without missing values."""

    def feature(value):
        values = value if isinstance(value, list) else [value]
        if isinstance(values[0], str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode() for v in values]))
        if isinstance(values[0], int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    features = {name: feature(value) for name, value in row.items() if value is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
