"""How far long work is, in a file: lines, few, and nothing that moves a cursor."""

from tf_wavegan_inv import progress
from tf_wavegan_inv.progress import Progress


def test_lines_in_a_file(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    show = Progress("inverting", "iteration")
    for done in range(101):
        now[0] = done
        show(done, 100)
    show(100, 100)
    assert capsys.readouterr().out.splitlines() == [f"inverting: {done} of 100 (iteration)" for done in (0, 30, 60, 90, 100)]


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "shows_bars", lambda: True)
    show = Progress("inverting", "iteration")
    show(0, 4)
    shown = capsys.readouterr().out
    assert shown.startswith("inverting:\n") and "0/4" in shown  # before the first of it is done
    show(4, 4)
    assert "4/4" in capsys.readouterr().out
