"""Decoding within a pipeline: paths or records -> clips."""

import io

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tf_wavegan_inv.audio.condition import condition
from tf_wavegan_inv.audio.examples import from_example
from tf_wavegan_inv.audio.inspect import check_samples, read_checked
from tf_wavegan_inv.config import AudioConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.checks import fault_of

SKIPPED = "skipped"  # status of clips that cannot be used, and tag of their rows


class Decode(beam.DoFn):
    """The path of an audio file, or the bytes of a record -> (name, clip float32 [samples, channels]).

    Elements that cannot be used are tagged `SKIPPED`: rows of path, status and note.

    Args:
        config: AudioConfig. How audio is conditioned.
        shape: (samples, channels) of a clip.
        records: bool. Whether elements are records (`audio.examples`). Default False: paths.
    """

    def __init__(self, config: AudioConfig, shape: tuple[int, int], *, records: bool = False):
        self.config = config
        self.shape = shape
        self.records = records

    def process(self, element):
        name = "a record" if self.records else element
        try:
            if self.records:
                name, samples, rate = from_example(element)
                check_samples(name, samples, rate)
            else:
                samples, file = read_checked(io.BytesIO(_read(element)), name)
                rate = file.samplerate
            length, channels = self.shape
            clip = condition(samples, rate, self.config, length, channels=channels).numpy()
            fault = fault_of(clip, self.shape[0] / self.config.sample_rate)
            if fault:
                raise UserError(f"{name}: {fault}")
        except UserError as error:
            yield beam.pvalue.TaggedOutput(SKIPPED, {"path": name, "status": SKIPPED, "note": str(error)})
        else:
            yield name, clip


def _read(path):
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except (OSError, BeamIOError) as error:
        raise UserError(f"{path}: cannot be read ({error}).") from None
