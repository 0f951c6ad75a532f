"""inversions.csv: a row a clip, written as clips are done."""

import csv
import io
import os

import numpy as np

from tf_wavegan_inv.evaluation.columns import FOUND, HEARD, MEASURED
from tf_wavegan_inv.files import ENCODING, replacing

PIVOT = ("pivot_relative_mse", "pivot_log_spectral_distance")
COLUMNS = ("path", "method", *FOUND, *MEASURED, *HEARD, *PIVOT, "z", "reconstruction", "note", "recording", "stamp")


class Table:
    """A CSV file that a killed command leaves readable, and a later one goes on with; no row is held in memory.

    Args:
        path: of the file.
        tell: function of each row that it holds, told as it is written.
    """

    def __init__(self, path, tell):
        self.path, self.tell = path, tell

    def rows(self):
        """The rows that are there and whole; the last may have been cut short."""
        try:
            with open(self.path, newline="", **ENCODING) as file:
                previous = None
                for row in csv.DictReader(file):
                    if previous:
                        yield previous
                    previous = row if set(row) == set(COLUMNS) and None not in row.values() and _is_number(row["distance"]) else None
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

    def begin(self, done=()):
        """Write the file anew, with those of its rows whose column `z` is in `done`, each once."""
        left = set(done)
        with replacing(self.path) as partial, open(partial, "w", newline="", **ENCODING) as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for row in self.rows():
                if row["z"] in left:
                    left.remove(row["z"])
                    writer.writerow(row)
                    self.tell(row)

    def append(self, rows):
        """Add rows: dicts by `COLUMNS`, numbers as they are."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, restval="")
        for row in rows:
            row = {name: _text(value) for name, value in row.items()}
            writer.writerow(row)
            self.tell(row)
        with open(self.path, "a", newline="", **ENCODING) as file:
            file.write(text.getvalue())


def _text(value):
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.6g}"
    return str(value)


def _is_number(text):
    try:
        return float(text or 0) >= 0
    except ValueError:
        return False
