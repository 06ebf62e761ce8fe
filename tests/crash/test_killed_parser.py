"""What reads documents does not outlive the worker that was killed."""

import subprocess
import sys

import psutil

from tests.crash.conftest import parsers
from tests.visitors import wait_for

# Reads one text, then one in which a separator is looked for without end.
_WORKER = """
import sys
from pathlib import Path
import django
django.setup()
from vectordb.embedding_models import MINILM
from vectordb.parser_process import ChunkingRequest, ParserProcess

def read(text, separator):
    file = Path(sys.argv[1])
    file.write_text(text)
    request = ChunkingRequest("recursive", MINILM, 200, 0, [separator], True)
    list(parser.read(file, "text/plain", request))

parser = ParserProcess(lambda: None)
read("Lamps.", "x")
print("begins", flush=True)
read("a" * 5_000, "(?:a+)+b")
"""


def test_a_parser_in_an_endless_expression_ends_with_its_worker(tmp_path):
    command = [sys.executable, "-c", _WORKER, str(tmp_path / "file")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begins\n"
        [reader] = parsers(psutil.Process(worker.pid))
        before = reader.cpu_times().user
        wait_for(lambda: reader.cpu_times().user > before + 1, "the endless expression")
        worker.kill()
    wait_for(lambda: not reader.is_running(), "the parser's end", 20)
