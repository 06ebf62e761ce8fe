import signal
import subprocess
import sys

import psutil
import pytest

from config.keeper import Keeper
from config.supervisor import Child, LineLog, rotate


@pytest.fixture
def keeper():
    keeper = Keeper()
    yield keeper
    keeper.close()


@pytest.fixture
def child(keeper):
    """A child that sleeps."""
    child = Child("sleeper", lambda: subprocess.Popen(["sleep", "600"]), keeper, stage=1)
    yield child
    if child.process is not None:
        child.process.kill()
        child.wait_for_end(hurry=lambda: False)


def test_a_child_says_once_how_it_ended(child):
    assert child.how_it_ended() is None
    process = child.start()
    assert child.how_it_ended() is None
    process.kill()
    process.wait()
    assert child.how_it_ended() == "killed by SIGKILL"
    assert child.how_it_ended() is None


def test_an_exit_status_is_told(keeper):
    child = Child("liar", lambda: subprocess.Popen(["false"]), keeper, stage=1)
    child.start().wait()
    assert child.how_it_ended() == "exit status 1"


def test_pauses_between_restarts_grow_to_a_limit(child):
    child.start()
    pauses = [child.plan_restart() for _ in range(9)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_child_is_asked_to_end(child):
    process = child.start()
    child.ask_to_stop()
    child.wait_for_end(hurry=lambda: False)
    assert process.returncode == -signal.SIGTERM


STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"


@pytest.mark.parametrize(("seconds", "hurry"), [(0.1, False), (60.0, True)])
def test_a_child_that_does_not_end_is_killed_when_its_time_is_up_or_in_a_hurry(
    keeper, seconds, hurry
):
    child = Child(
        "mule",
        lambda: subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE),
        keeper,
        stage=1,
        stop_seconds=seconds,
    )
    with child.start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        child.ask_to_stop()
        child.wait_for_end(hurry=lambda: hurry)
    assert process.returncode == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)


LINES = """2026-01-31 12:00:00,000 INFO app: fine
2026-01-31 12:00:01,000 ERROR app: broken
Traceback (most recent call last):
  ValueError
2026-01-31 12:00:02,000 INFO app: fine again
WARNING:  from uvicorn
INFO:     from uvicorn
"""


def test_warnings_and_their_traces_are_shown_and_everything_is_kept(tmp_path):
    shown: list[str] = []
    log = LineLog(tmp_path / "log" / "web.log", shown.append)
    with subprocess.Popen(
        [sys.executable, "-c", f"print({LINES!r}, end='')"], stdout=subprocess.PIPE
    ) as process:
        log.follow(process).join()
    log.close()

    lines = LINES.splitlines()
    assert shown == [*lines[1:4], lines[5]]
    assert (tmp_path / "log" / "web.log").read_text() == LINES


def test_a_large_log_is_put_aside(tmp_path):
    log = tmp_path / "postgres.log"
    rotate(log)
    log.write_bytes(b"x" * 1000)
    rotate(log)
    assert log.exists()
    log.write_bytes(b"x" * (11 * 1024 * 1024))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "postgres.log.1").exists()
