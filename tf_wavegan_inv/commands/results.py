"""The results of `invert` and `request` in --out: z, reconstructions, one table row a clip, a record of the call."""

import collections
import pathlib
import typing

from tf_wavegan_inv.commands.common import clips_in_words, make_folder, report_skipped
from tf_wavegan_inv.config import ExactConfig
from tf_wavegan_inv.errors import UserError

if typing.TYPE_CHECKING:
    import numpy as np

    from tf_wavegan_inv.audio.folders import Clip
    from tf_wavegan_inv.audio.inspect import Skipped

CUT = "was inverted"  # ends the note of a recording that is longer than a clip


class Results:
    """Writes the results of one call.

    Args:
        folder: pathlib.Path. The command's --out.
        method: str. Value of the column `method`.
        names: dict of clip path to output name (`recordings.output_names`).
        suffix: str. Ending of the names of the table and the record, "-2-of-8" for a shard. Default "".
        out_of_range: float. Value of the column `distance` above which a clip is out of range. Default 0.4.

    Attributes:
        table: Table.
        record: pathlib.Path. File of the record, run.json.
        counts: collections.Counter. Rows of the table that are "inverted", "skipped", "cut" (longer than a clip) and
            "out_of_range" (of the generator).
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        method: str,
        names: dict[pathlib.Path, str],
        suffix: str = "",
        out_of_range: float = ExactConfig.out_of_range,
    ):
        from tf_wavegan_inv.commands.table import Table

        self.folder = folder
        self.method = method
        self.names = names
        self.out_of_range = out_of_range
        self.table = Table(folder / f"inversions{suffix}.csv", self._count)
        self.record = folder / f"run{suffix}.json"
        self.counts: collections.Counter = collections.Counter()

    def begin(self, record: dict, *, keep: set[str]) -> None:
        """Make the folder, start the table with the rows whose column `z` is in `keep`, write the record."""
        from tf_wavegan_inv.files import write_json

        make_folder(self.folder)
        self.table.begin(keep)
        write_json(self.record, record)

    def skip(self, skipped: list["Skipped"], *, report: bool = True) -> None:
        """Add rows for skipped clips; `report`: whether to print their reasons."""
        if report:
            report_skipped(skipped)
        self.table.append({"path": s.clip.name, "method": self.method, "status": "skipped", "note": s.reason} for s in skipped)

    def write(self, clip: "Clip", *, z: "np.ndarray", audio: "np.ndarray | bytes", sample_rate: int | None = None, columns: dict):
        """Write the files of one clip, and its row.

        Args:
            clip: Clip.
            z: float [latent_dim], in the generator's own range.
            audio: float [samples, channels], or the bytes of a WAV file. The reconstruction.
            sample_rate: int or None. Sample rate in Hz; required unless `audio` is a WAV file. Default None.
            columns: dict of column to value. All columns but `path`, `method`, `z` and `reconstruction`.
        """
        from tf_wavegan_inv.audio.write import write_wav
        from tf_wavegan_inv.files import replacing, write_npy

        z_path, wav_path = self.path(clip, "z.npy"), self.path(clip, "wav")
        write_npy(z_path, z)
        if isinstance(audio, bytes):
            with replacing(wav_path) as partial:
                partial.write_bytes(audio)
        else:
            write_wav(wav_path, audio, sample_rate)
        name = self.names[clip.path]
        files = {"z": f"{name}.z.npy", "reconstruction": f"{name}.wav"}
        self.table.append([{"path": clip.name, "method": self.method} | columns | files])

    def path(self, clip: "Clip", ending: str) -> pathlib.Path:
        """File of a clip in the folder: <name>.<ending>."""
        return self.folder / f"{self.names[clip.path]}.{ending}"

    def report(self) -> None:
        """Print how many clips were inverted. Raises UserError if there is none."""
        if not self.counts["inverted"]:
            raise UserError("No clip could be inverted; the reasons are above.")
        print(f"{clips_in_words(self.counts['inverted'])} inverted, {self.counts['skipped']} skipped: {self.table.path}")

    def _count(self, row):
        skipped = row["status"] == "skipped"
        self.counts["skipped" if skipped else "inverted"] += 1
        self.counts["cut"] += row["note"].endswith(CUT)
        self.counts["out_of_range"] += not skipped and float(row["distance"] or 0) > self.out_of_range
