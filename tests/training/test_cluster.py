"""The manifests for clusters tell each worker who it is."""

import json
import os
import shutil
import subprocess

import yaml

from tests.conftest import ROOT
from tf_wavegan_inv.training.workers import cluster

FOLDER = ROOT / "docs" / "cluster"
PYTHON = """#!/bin/bash
echo "$TF_CONFIG" > config-$SLURM_PROCID$JOB_COMPLETION_INDEX
echo "$@" > arguments
exit $CODE
"""
SRUN = """#!/bin/bash
shift
code=0
for SLURM_PROCID in 0 1; do
    export SLURM_PROCID
    "$@"
    c=$?
    ((c > code)) && code=$c
done
exit $code
"""


def run(tmp_path, command, **variables):
    """Run a command with a `python` that writes down what it is told, and Slurm's commands for two machines."""
    commands = {
        "python": PYTHON,
        "scontrol": '#!/bin/bash\n[ "$1" = show ] && printf "node1\\nnode2\\n" || echo "$@" > requeued\n',
        "srun": SRUN,
    }
    for name, text in commands.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | variables
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)


def configurations(tmp_path, monkeypatch):
    found = []
    for index in (0, 1):
        monkeypatch.setenv("TF_CONFIG", (tmp_path / f"config-{index}").read_text())
        found.append(cluster())
    return found


def test_slurm(tmp_path, monkeypatch):
    slurm = {"SLURM_JOB_ID": "30001", "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_CPUS_PER_TASK": "32"}
    done = run(tmp_path, ["bash", FOLDER / "slurm.sh", "all", "--data", "a b"], CODE="0", **slurm)
    assert done.returncode == 0 and not (tmp_path / "requeued").exists(), done.stderr
    first, second = configurations(tmp_path, monkeypatch)
    assert first["cluster"] == second["cluster"] == {"worker": ["node1:30001", "node2:30001"]}
    assert (first["task"], second["task"]) == ({"type": "worker", "index": 0}, {"type": "worker", "index": 1})
    assert (tmp_path / "arguments").read_text() == "train_keras.py all --data a b\n"
    assert run(tmp_path, ["bash", FOLDER / "slurm.sh"], CODE="75", **slurm).returncode == 75
    assert (tmp_path / "requeued").read_text() == "requeue 30001\n"
    (tmp_path / "requeued").unlink()
    for code, restarts in (("78", "0"), ("2", "0"), ("75", "20")):  # mistakes; often enough
        done = run(tmp_path, ["bash", FOLDER / "slurm.sh"], CODE=code, SLURM_RESTART_COUNT=restarts, **slurm)
        assert done.returncode == int(code) and not (tmp_path / "requeued").exists()
    if shutil.which("sbatch"):
        assert subprocess.run(["sbatch", "--test-only", FOLDER / "slurm.sh"]).returncode == 0


def test_kubernetes(tmp_path, monkeypatch):
    service, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    for index in (0, 1):
        done = run(tmp_path, [*container["command"], *container["args"]], CODE="0", JOB_COMPLETION_INDEX=str(index))
        assert done.returncode == 0, done.stderr
    first, second = configurations(tmp_path, monkeypatch)
    host = f"{job['metadata']['name']}-{{}}.{spec['subdomain']}:2222"
    assert first["cluster"] == second["cluster"] == {"worker": [host.format(0), host.format(1)]}
    assert [each["task"]["index"] for each in (first, second)] == [0, 1] and job["spec"]["completions"] == 2
    assert service["metadata"]["name"] == spec["subdomain"]
    assert service["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    assert json.dumps(container["resources"]) == '{"limits": {"nvidia.com/gpu": 8}}'
