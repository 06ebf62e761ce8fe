"""The keeper ends what its parent leaves behind."""

import subprocess
import sys
import textwrap

import psutil
import pytest

from config.data_folder import ROOT

PARENT = """
    import signal, subprocess, sys, time
    from config.keeper import Keeper

    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    keeper = Keeper()
    children = [
        subprocess.Popen(["sleep", "600"], start_new_session=True),
        subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE),
        subprocess.Popen(["sleep", "600"], start_new_session=True),
    ]
    children[1].stdout.readline()
    for stage, child in enumerate(children[:2]):
        keeper.watch(child.pid, stage=stage, stop_signal=signal.SIGTERM, seconds=0.2)
    keeper.watch(children[2].pid, stage=0, stop_signal=signal.SIGTERM, seconds=5)
    keeper.forget(children[2].pid)
    {more}
    print(*[child.pid for child in children], keeper.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def family(request):
    """(parent, watched children, forgotten child, keeper) as psutil processes."""
    script = textwrap.dedent(PARENT).format(more=getattr(request, "param", ""))
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        polite, stubborn, forgotten, keeper = map(psutil.Process, pids)
        yield parent, [polite, stubborn], forgotten, keeper
        parent.kill()
        forgotten.kill()


def test_a_killed_parent_leaves_nothing_that_was_watched(family):
    parent, watched, forgotten, keeper = family
    parent.kill()

    _, alive = psutil.wait_procs([*watched, keeper], timeout=20)
    assert alive == []
    assert forgotten.is_running()


REVIVED = "keeper.process.kill(); keeper.process.wait(); keeper.revive()"


@pytest.mark.parametrize("family", [REVIVED], indirect=True)
def test_a_keeper_that_was_killed_is_told_everything_again(family):
    parent, watched, _, keeper = family
    parent.kill()

    _, alive = psutil.wait_procs([*watched, keeper], timeout=20)
    assert alive == []
