"""inversions.csv: one row a clip, written as clips are done."""

import csv
import io
import os
import pathlib
import typing

import numpy as np

from tf_wavegan_inv.evaluation.columns import FOUND, LABELS, MEASURED
from tf_wavegan_inv.files import ENCODING, replacing
from tf_wavegan_inv.names import renamed

PIVOT = ("pivot_relative_mse", "pivot_log_spectral_distance")
COLUMNS = ("path", "method", *FOUND, *MEASURED, *LABELS, *PIVOT, "z", "reconstruction", "note", "recording", "stamp")


class Table:
    """A CSV file that stays readable after an interruption, and that a later call resumes. Holds no rows in memory.

    Args:
        path: pathlib.Path. The CSV file. A file of version 0.1 is read by today's column names.
        on_row: function of a row, called for each row that is written or kept.
    """

    def __init__(self, path: pathlib.Path, on_row: typing.Callable[[dict], None]):
        self.path = path
        self.on_row = on_row

    def rows(self) -> typing.Iterator[dict]:
        """The complete rows of the file; an interruption may have cut the last one short."""
        try:
            with open(self.path, newline="", **ENCODING) as file:
                previous = None
                for row in csv.DictReader(file):
                    if previous:
                        yield previous
                    row = renamed(row)
                    previous = row if _is_complete(row) else None
                if previous and self._ends_whole():
                    yield previous
        except FileNotFoundError:
            return
        except csv.Error:  # damaged from here on
            return

    def _ends_whole(self):
        with open(self.path, "rb") as file:
            file.seek(-2, os.SEEK_END)
            return file.read() == b"\r\n"

    def begin(self, keep: typing.Iterable[str] = ()) -> None:
        """Write the file anew with those rows whose column `z` is in `keep`, each once."""
        left = set(keep)
        with replacing(self.path) as partial, open(partial, "w", newline="", **ENCODING) as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for row in self.rows():
                if row["z"] in left:
                    left.remove(row["z"])
                    writer.writerow(row)
                    self.on_row(row)

    def append(self, rows: typing.Iterable[dict]) -> None:
        """Add rows by `COLUMNS`; missing columns stay empty."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        for row in rows:
            row = dict.fromkeys(COLUMNS, "") | {name: _text(value) for name, value in row.items()}
            writer.writerow(row)
            self.on_row(row)
        with open(self.path, "a", newline="", **ENCODING) as file:
            file.write(text.getvalue())


def _is_complete(row):
    return set(row) == set(COLUMNS) and None not in row.values() and _is_number(row["distance"])


def _text(value):
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.6g}"
    return str(value)


def _is_number(text):
    try:
        return float(text or 0) >= 0
    except ValueError:
        return False
