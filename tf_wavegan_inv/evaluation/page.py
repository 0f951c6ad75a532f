"""Self-contained HTML pages whose spectrograms play when clicked, and whose tables can be sorted."""

import base64
import html
import importlib.resources
import string

from tf_wavegan_inv.audio.encode import audio_uri, picture_uri
from tf_wavegan_inv.audio.picture import spectrogram_picture
from tf_wavegan_inv.files import write_text

PICTURE = (256, 128)  # samples a frame and from frame to frame: 129 x 128 pixels a clip of 16384


def player(name, audio, sample_rate):
    """HTML of a clip, float [samples, channels]: its spectrogram, which plays when clicked."""
    name = html.escape(name, quote=True)
    picture = picture_uri(spectrogram_picture(audio, *PICTURE))
    return (
        f'<button class=player aria-label="play {name}" title="{name}" data-audio="{audio_uri(audio, sample_rate)}">'
        f'<img alt="spectrogram of {name}" src="{picture}"><span class=now></span></button>'
    )


def figure(file):
    """HTML of a PNG file."""
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<figure><img alt="{html.escape(file.stem)}" src="data:image/png;base64,{data}"></figure>'


def write_page(path, title, body):
    """Write a page.

    Args:
        path: of the .html file.
        title: str.
        body: list of str, HTML. A `table` of the class "clips" is sorted by a click on a `th` with the attribute data-sort.
    """
    template = string.Template(importlib.resources.files("tf_wavegan_inv.evaluation").joinpath("page.html").read_text(encoding="utf-8"))
    write_text(path, template.substitute(title=html.escape(title), body="\n".join(body)))
