"""Self-contained HTML pages (`templates/`): spectrograms play when clicked, tables sort by their headings."""

import base64
import dataclasses
import functools
import pathlib

import jinja2
import numpy as np

from tf_wavegan_inv.audio.encode import audio_uri, picture_uri
from tf_wavegan_inv.audio.picture import spectrogram_picture
from tf_wavegan_inv.files import write_text

PICTURE = (256, 128)  # frame length and step in samples: 129 x 128 pixels for a clip of 16384


@dataclasses.dataclass(frozen=True)
class Player:
    """A clip to look at and play, for the macro `player`.

    Attributes:
        name: str. Title of the clip.
        audio: str. Its audio as a data URI.
        picture: str. Its spectrogram as a data URI.
    """

    name: str
    audio: str
    picture: str


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture, for the macro `section`.

    Attributes:
        name: str. Alternative text.
        picture: str. The picture as a data URI.
    """

    name: str
    picture: str


def player(name: str, audio: np.ndarray, *, sample_rate: int) -> Player:
    """The `Player` of a clip, float [samples, channels]."""
    picture = picture_uri(spectrogram_picture(audio, *PICTURE))
    return Player(name, audio_uri(audio, sample_rate), picture)


def figure(file: pathlib.Path) -> Figure:
    """The `Figure` of a PNG file."""
    data = base64.b64encode(file.read_bytes()).decode()
    return Figure(file.stem, f"data:image/png;base64,{data}")


@functools.cache
def _templates():
    loader = jinja2.PackageLoader("tf_wavegan_inv.evaluation")
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def write_page(path: pathlib.Path, template: str, **values) -> None:
    """Write a page.

    Args:
        path: pathlib.Path. HTML file to write.
        template: str. Name of a file in `templates/`.
        **values: Variables of the template, `title` among them.
    """
    write_text(path, _templates().get_template(template).render(values))
