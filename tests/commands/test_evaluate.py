"""`tf-wavegan-inv evaluate`, through the real command line, on real audio; its report in a real browser."""

import csv
import json
import pathlib
import shutil

import numpy as np
import pytest
import soundfile

from tests.conftest import GOLDEN, run_command, run_here

ARGUMENTS = ("evaluate", "--count", 5, "--batch-size", 3, "--methods", "inverter", "hybrid", "--max-iterations", 20, "--playable", 4)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """An evaluation that lost two stored batches, and resumed: folder, second call, rows of the first call."""
    folder = tmp_path_factory.mktemp("evaluation")
    first = run_command("-m", "tf_wavegan_inv.cli", *ARGUMENTS, "--inception", GOLDEN / "inception", "--speech", cwd=folder)
    assert first.returncode == 0, first.stderr
    parts = sorted((folder / "evaluation" / "parts").glob("*.npz"))
    assert len(parts) == 2 * 2 * 2  # sets, methods, batches
    before = {part.name: (part.stat().st_mtime_ns, dict(np.load(part))["z"]) for part in parts}
    rows = (folder / "evaluation" / "clips.csv").read_text()
    shutil.copy(folder / "evaluation" / "tables.json", folder / "first.json")
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    done = run_here(*ARGUMENTS, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "is damaged" in done.stderr
    for part in parts:
        assert (part.stat().st_mtime_ns == before[part.name][0]) == (part not in parts[:2])
        np.testing.assert_array_equal(np.load(part)["z"], before[part.name][1])
    official = json.loads((folder / "first.json").read_text())
    assert all("class/inception_score_official" in found for s in official["sets"].values() for found in s["methods"].values())
    assert "speech/stoi" in official["sets"]["synthesised"]["methods"]["hybrid"]
    return folder / "evaluation", done, rows


def rows_of(folder):
    with open(folder / "clips.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_resumes_to_the_same_figures(evaluated):
    folder, _, before = evaluated
    rows = list(csv.DictReader(before.splitlines()))
    for row, again in zip(rows, rows_of(folder), strict=True):
        for name in row.keys() - {"seconds", "stoi", "pesq"}:
            try:
                assert float(again[name]) == pytest.approx(float(row[name]), rel=1e-4, abs=1e-12, nan_ok=True), name
            except ValueError:  # no number
                assert again[name] == row[name], name


def test_rows_agree_with_the_files(evaluated, generator):
    folder, _, _ = evaluated
    rows = rows_of(folder)
    assert len(rows) == 2 * 5 * 5
    assert all(float(row["relative_mse"]) == 1 for row in rows if row["method"] == "silence")
    for row in (row for row in rows if row["method"] not in ("silence", "another clip")):
        audio, rate = soundfile.read(folder / "audio" / row["set"] / row["method"] / f"{row['clip']}.wav", dtype="float32")
        assert rate == 16000 and len(audio) == 16384
        if row["method"] == "original":
            continue
        z = np.load(folder / "audio" / row["set"] / row["method"] / f"{row['clip']}.z.npy")
        np.testing.assert_allclose(audio, np.asarray(generator(z[None]))[0, :, 0], atol=1e-5)
        assert 0 <= float(row["confidence"]) <= 1 and float(row["relative_mse"]) >= 0
        assert (row["recovered"] != "") == (row["set"] == "synthesised")
    exact = [row for row in rows if row["status"] == "exact"]
    assert exact and all((row["set"], row["recovered"], row["label_agreement"]) == ("synthesised", "1", "1") for row in exact)


def test_tables(evaluated):
    folder, done, _ = evaluated
    tables = json.loads((folder / "tables.json").read_text())
    for name in ("synthesised", "real"):
        found = tables["sets"][name]
        assert found["clips"] == 5 and list(found["methods"]) == ["original", "inverter", "hybrid"]
        assert 1 <= found["methods"]["hybrid"]["class/inception_score"]["mean"] <= 10
        assert found["methods"]["hybrid"]["waveform/relative_mse"]["n"] == 5 and "hybrid - inverter" in found["differences"]
    recovered = [m["latent/recovered"]["share"] for m in list(tables["sets"]["synthesised"]["methods"].values())[1:]]
    assert recovered[0] == 0 < recovered[1]
    assert tables["classifier"]["accuracy"]["n"] == 50  # of all that are held out, not of those alone that were inverted
    record = tables["record"]
    assert set(record["models"]) == {"wavegan", "inverter", "classifier", "scoring_classifier"} and record["command"][1] == "evaluate"
    assert "0.9979" in (folder / "table1.md").read_text() and "36.93 %" in (folder / "table2.md").read_text()
    assert "| 5 real clips | label accuracy | label agreement |" in done.stdout
    assert "## Real or synthesised?" in (folder / "tables.md").read_text()


def test_pictures(evaluated):
    for name in ("figure2", "figure3", "classifier", "detection"):
        data = (evaluated[0] / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 20000


def test_tensorboard_has_all_of_it(evaluated):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = evaluated[0] / "logs" / "real" / "hybrid"
    events = EventAccumulator(str(folder))
    events.Reload()
    assert "waveform/relative_mse" in events.Tags()["tensors"] and len(events.PluginTagToContent("hparams")) == 1
    assert sum(tag.startswith("audio/") for tag in events.Tags()["tensors"]) == 5
    z = np.loadtxt(folder / "z.tsv", delimiter="\t")
    table = list(csv.DictReader((folder / "clips.tsv").open(), delimiter="\t"))
    assert z.shape == (5, 100) and len(table) == 5 and set(table[0]) == {"clip", "label", "label_predicted", "speaker", "split"}
    assert "sprite" in (folder / "projector_config.pbtxt").read_text() and (folder / "clips.png").exists()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(not (CHROMIUM and shutil.which("chromedriver")), reason="no Chromium with chromedriver on the PATH")
def test_the_report_opens_sorts_and_plays_in_a_browser(evaluated):
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    quiet = ("--disable-gpu", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required")
    for flag in ("--headless=new", "--no-sandbox", *quiet):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.get(pathlib.Path(evaluated[0] / "report.html").as_uri())
        assert browser.title and len(browser.find_elements(By.CSS_SELECTOR, "table.clips")) == 2
        loaded = browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert loaded and not [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]

        table = browser.find_elements(By.CSS_SELECTOR, "table.clips")[1]
        heads = table.find_elements(By.CSS_SELECTOR, "th")
        place = next(i for i, head in enumerate(heads) if "hybrid" in head.text and "relative" in head.text)

        def cells(place):
            return [row.find_elements(By.TAG_NAME, "td")[place] for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]

        def column():
            return [float(cell.get_attribute("data-value")) for cell in cells(place)]

        heads[place].click()
        assert column() == sorted(column()) and heads[place].get_attribute("aria-sort") == "ascending"
        heads[place].click()
        assert column() == sorted(column(), reverse=True)
        heads[0].click()
        names = [cell.text for cell in cells(0)]
        assert names == sorted(names, key=str.casefold) and len(names) == 5

        player = browser.find_element(By.CSS_SELECTOR, ".large .player")
        player.click()
        WebDriverWait(browser, 20).until(lambda _: player.get_attribute("data-played") == "yes")
    finally:
        browser.quit()


BAD = [
    (["--inverter", "nowhere"], "No inverter at nowhere"),
    (["--data", "{empty}"], "No audio in"),
    (["--methods", "guessing"], "invalid choice: 'guessing'"),
    (["--wavegan", "{golden}"], "bundled inverter was trained for the bundled WaveGAN"),
    (["--inception", "{golden}"], "is not WaveGAN's Inception classifier"),
]


def test_a_users_mistake_gets_a_message_and_no_traceback(tmp_path, golden):
    (tmp_path / "empty").mkdir()
    found = [
        run_here("evaluate", *(a.format(empty=tmp_path / "empty", golden=golden("a_default")) for a in arguments), cwd=tmp_path)
        for arguments, _ in BAD
    ]
    for done, (_, message) in zip(found, BAD, strict=True):
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
