import subprocess
import sys

from config.data_folder import ROOT

_PROGRAM = """
import gc
from config.garbage import spare_what_is_loaded
kept = [[] for _ in range(1_000)]
begun = []
gc.callbacks.append(lambda phase, info: begun.append(phase))
spare_what_is_loaded()
begun.clear()
more = [[] for _ in range(5_000)]
print(gc.get_freeze_count() >= len(kept), len(begun))
"""


def test_what_is_loaded_is_spared_and_a_few_thousand_objects_more_are_no_reason_to_look():
    printed = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed == "True 0\n"
