"""Faults in every phase of `apply`, damaged files and power cuts: nothing is lost, no output is wrong.

Those of several processes are in test_together.py, and all of them in docs/faults.md.
"""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "faults.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the script looks at files by way of /proc")
def test_nothing_is_lost_and_no_output_is_wrong():
    command = [sys.executable, str(SCRIPT), "one", "damage", "power"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert not done.returncode, done.stdout + done.stderr
