import os
import subprocess
import sys

from config.data_folder import ROOT

_NOT_NEEDED = (
    "torch",
    "transformers",
    "numpy",
    "nltk",
    "openai",
    "genai_prices",
    "pypdfium2",
    "lxml",
)


def test_a_web_process_starts_without_what_workers_need():
    program = f"import sys, config.asgi; print([m for m in {_NOT_NEEDED} if m in sys.modules])"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == "[]\n"
