"""Names of metrics and columns, and files of version 0.1."""

from tf_wavegan_inv.names import FORMER, NAMES, column, renamed


def test_columns_are_unique():
    assert len({column(name) for name in NAMES}) == len(NAMES)
    assert column("waveform/mse") == "mse" and column("class/agreement") == "label_agreement" and column("seconds") == "seconds"


def test_rows_of_version_0_1_have_todays_names():
    row = {"path": "a.wav", "digit": "7", "digit_original": "1"}
    assert renamed(row) == {"path": "a.wav", "label_predicted": "7", "label_original": "1", "label_agreement": "0"}
    assert renamed(row | {"digit": "", "digit_original": ""})["label_agreement"] == ""
    assert renamed({"class/kept": "0.5", "val_class/kept": "1"}) == {"class/agreement": "0.5", "val_class/agreement": "1"}
    assert not set(FORMER) & set(NAMES)


def test_rows_of_today_stay():
    row = {"label_predicted": "7", "label_original": "1", "label_agreement": "0"}
    assert renamed(row) == row
