"""The pipeline: audio files or TFRecords -> z in Parquet or TFRecords."""

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
from tf_wavegan_inv.evaluation.columns import FOUND, HEARD, MEASURED

NAMESPACE, INVERTED = "tf_wavegan_inv", "inverted"
TEXTS, INTEGERS = ("path", "method", "status", "note"), ("iterations", "evaluations", *HEARD)
FLOATS = tuple(name for name in (*FOUND, *MEASURED) if name not in (*TEXTS, *INTEGERS))
SCHEMA = pyarrow.schema(
    [(name, pyarrow.string()) for name in TEXTS]
    + [(name, pyarrow.int32()) for name in INTEGERS]
    + [(name, pyarrow.float32()) for name in FLOATS]
    + [("z", pyarrow.list_(pyarrow.float32()))]
)


def invert_files(pipeline, paths, patterns, output, handler, config, shape, form="parquet"):
    """Add to a pipeline: read, invert, write.

    Args:
        pipeline: beam.Pipeline.
        paths: list of audio files.
        patterns: list of patterns, of audio files or of records (`is_records`), on any file system that Beam knows.
        output: prefix of what is written, `output`-00000-of-00001.parquet or .tfrecord.
        handler: `InversionHandler`.
        config: `AudioConfig`.
        shape: (samples, channels) of a clip.
        form: "parquet" or "tfrecord".

    Returns:
        PCollection of the rows: dicts with the names of `SCHEMA`, skipped files included. `counts` reads how many there were.
    """
    records = [pattern for pattern in patterns if is_records(pattern)]
    files = [pattern for pattern in patterns if not is_records(pattern)]
    matched = (
        pipeline
        | "patterns" >> beam.Create(files)
        | "match" >> fileio.MatchAll()
        | "paths" >> beam.Map(lambda found: found.path)
        | "audio alone" >> beam.Filter(lambda path: path.lower().endswith(EXTENSIONS))
    )
    given = pipeline | "given" >> beam.Create([str(path) for path in paths])
    elements = {
        "files": (matched, given) | "all files" >> beam.Flatten() | "each once" >> beam.Distinct() | "spread" >> beam.Reshuffle(),
        "records": pipeline | "patterns of records" >> beam.Create(records) | "read records" >> beam.io.ReadAllFromTFRecord(),
    }
    rows = []
    for kind, some in elements.items():
        decoded = some | f"decode {kind}" >> beam.ParDo(Decode(config, shape, kind == "records")).with_outputs(SKIPPED, main="clips")
        rows += [
            decoded.clips
            | f"invert {kind}" >> RunInference(KeyedModelHandler(handler))
            | f"rows of {kind}" >> beam.Map(_row, handler.method),
            decoded[SKIPPED] | f"rows of skipped {kind}" >> beam.Map(lambda row, method: row | {"method": method}, handler.method),
        ]
    rows = rows | "all rows" >> beam.Flatten() | "count" >> beam.ParDo(Count())
    if form == "parquet":
        rows | "write" >> beam.io.WriteToParquet(output, SCHEMA, file_name_suffix=".parquet")
    else:
        rows | "as examples" >> beam.Map(row_to_example) | "write" >> beam.io.WriteToTFRecord(output, file_name_suffix=".tfrecord")
    return rows


class Count(beam.DoFn):
    """Counts rows by status, as they pass."""

    def process(self, row):
        Metrics.counter(NAMESPACE, SKIPPED if row["status"] == SKIPPED else INVERTED).inc()
        yield row


def counts(result):
    """How many clips were inverted and skipped, by a PipelineResult: (int, int)."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    return tuple(sum(c.result for c in found if c.key.metric.name == name) for name in (INVERTED, SKIPPED))


def is_records(pattern):
    """Whether a path or pattern is of TFRecords: x.tfrecord, x.tfrecords.gz, x.tfrecord-00000-of-00008, x.tfrecord*."""
    return re.search(r"\.tfrecords?(\.gz)?([-*?][^/]*)?$", pattern) is not None


def _row(named, method):
    """(name, PredictionResult) as a row of plain Python values."""
    name, result = named
    found = {key: _plain(value) for key, value in result.inference.items()}
    return {"path": name, "method": method, "note": ""} | found


def _plain(value):
    value = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def row_to_example(row):
    """A row as a serialised tf.train.Example; what a row has not is left out."""

    def feature(value):
        values = value if isinstance(value, list) else [value]
        if isinstance(values[0], str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode() for v in values]))
        if isinstance(values[0], int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    features = {name: feature(value) for name, value in row.items() if value is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
