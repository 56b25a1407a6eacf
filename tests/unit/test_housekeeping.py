"""How a process of ours uses the machine."""

import os
import subprocess
import sys

import pytest

ASK = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from mailvault.housekeeping import PREPARING, processors
print(processors(), PREPARING)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_who_may_use_one_processor_starts_no_work_for_more() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, check=True)
    assert done.stdout.split() == [b"1", b"1"]
