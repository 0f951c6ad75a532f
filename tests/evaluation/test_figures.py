import numpy as np

from tf_wavegan_inv.evaluation.figures import detection_figure, grid_figure, reconstructions_figure
from tf_wavegan_inv.evaluation.page import player, write_page

AUDIO = np.random.default_rng(0).normal(0, 0.1, (3, 4000, 1))


def test_file_names_are_no_mathematics(tmp_path):
    name = "a$_$b_^{c}"
    columns = [(name, {"original": AUDIO[0], "hybrid": AUDIO[1]})]
    reconstructions_figure(tmp_path / "a.png", columns, title="title", sample_rate=16000)
    grid_figure(tmp_path / "b.png", [(name, [name] * 3, AUDIO), (name, [name], AUDIO[:1])], sample_rate=16000)
    detection_figure(tmp_path / "c.png", {"hybrid": ([0.5, 0.7], [0.1, 0.6, 0.2])})
    assert all((tmp_path / f"{n}.png").read_bytes().startswith(b"\x89PNG") for n in "abc")


def test_file_names_are_no_html(tmp_path):
    name = '"><img src=x onerror=alert(1)>'
    cell = {"player": player(name, AUDIO[0], sample_rate=16000), "caption": name}
    row = {"heading": name, "title": name, "cells": [cell]}
    write_page(tmp_path / "page.html", "exploration.html", title="<b>", sentences=[name], rows=[row])
    text = (tmp_path / "page.html").read_text()
    assert "<img src=x" not in text and "<title>&lt;b&gt;</title>" in text
