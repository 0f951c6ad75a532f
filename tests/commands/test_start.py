"""The start of the commands: what TensorFlow writes when it is imported, and streams that are closed."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = """
import sys
from tf_wavegan_inv.commands.common import command, start_tensorflow

@command
def main():
    start_tensorflow()
    print("started")
    print("reported", file=sys.stderr)

sys.exit(main())
"""


@pytest.fixture
def start(tmp_path):
    """Run a command beside a stand-in for TensorFlow that writes to standard error and then runs `body`."""

    def run(body="pass", redirection="", **variables):
        (tmp_path / "tensorflow.py").write_text(f"import os\nos.write(2, b'noise\\n')\n{body}\n")
        (tmp_path / "main.py").write_text(SCRIPT)
        environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"} | variables
        environment |= {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        command = ["sh", "-c", f'"$0" main.py {redirection}', sys.executable]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_holds_back_messages_unless_the_user_asks_for_them(start):
    assert start().stderr == "reported\n"
    assert start(TMPDIR="/nonexistent").stderr == "reported\n"
    assert start(TF_CPP_MIN_LOG_LEVEL="0").stderr == "noise\nreported\n"


def test_shows_messages_if_the_import_fails(start):
    done = start("raise ImportError('no such library')")
    assert done.returncode == 1 and done.stderr.startswith("noise\n") and "no such library" in done.stderr
    done = start("raise KeyboardInterrupt")
    assert done.returncode == 130 and done.stderr == "noise\n\nInterrupted. The same command resumes.\n"


@pytest.mark.parametrize(
    ("redirection", "out", "err"),
    [("2>&-", "started\n", ""), (">&-", "", "reported\n"), (">&- 2>&-", "", ""), ("<&- >&- 2>&-", "", "")],
)
def test_runs_with_closed_streams(start, redirection, out, err):
    done = start(redirection=redirection)
    assert (done.returncode, done.stdout, done.stderr) == (0, out, err)
