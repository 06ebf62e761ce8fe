import signal
import stat
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from config import postgres
from config.postgres import Cluster, PostgresError, embedded_url, socket_folder, socket_lock
from config.postgres_server import end_leftovers, ensure_database, wait_until_ready


def start(cluster: Cluster) -> "subprocess.Popen[bytes]":
    with cluster.folder.with_name("log").open("ab") as log:
        process = cluster.start(log)
    wait_until_ready(cluster, process, on_slow=lambda: None)
    return process


def end(process: "subprocess.Popen[bytes]", number: signal.Signals = signal.SIGINT) -> None:
    process.send_signal(number)
    process.wait(60)


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path / "postgres", throw_away=True)
    yield cluster
    end_leftovers(cluster.folder)


@pytest.fixture
def rows(cluster):
    """A stopped cluster with a table of one row."""
    process = start(cluster)
    ensure_database(cluster.folder)
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    end(process)
    return cluster


def read(cluster: Cluster) -> list[tuple[int]]:
    with psycopg.connect(cluster.url) as connection:
        return connection.execute("SELECT one FROM kept").fetchall()


def test_a_socket_lies_in_the_data_folder_unless_its_path_is_too_long():
    near = Path("/data/postgres")
    far = Path("/data") / ("x" * 90) / "postgres"
    assert socket_folder(near) == near
    assert socket_folder(far) == socket_folder(far)
    assert len(str(socket_folder(far))) < 50
    assert socket_folder(far) != socket_folder(far / "other")
    assert embedded_url(Path("/my data/postgres")).endswith("?host=/my%20data/postgres")


def test_it_starts_and_makes_the_database_with_vectors(cluster):
    process = start(cluster)
    ensure_database(cluster.folder)
    ensure_database(cluster.folder)
    with psycopg.connect(cluster.url) as connection:
        assert connection.execute("SELECT '[1,2]'::halfvec::text").fetchone() == ("[1,2]",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    end(process)
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700


def test_it_listens_in_a_short_folder_when_its_own_is_deep(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 40)
    deep.mkdir(parents=True)
    cluster = Cluster(deep / "postgres", throw_away=True)
    process = start(cluster)
    try:
        folder = socket_folder(cluster.folder)
        assert folder != cluster.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        end(process)
    folder.rmdir()


def test_a_killed_server_loses_nothing(rows):
    process = start(rows)
    with psycopg.connect(rows.url) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    end(process, signal.SIGKILL)

    end_leftovers(rows.folder)
    process = start(rows)
    assert read(rows) == [(1,), (2,)]
    end(process)


def test_a_server_left_by_an_earlier_run_is_ended_before_the_next(rows):
    left = start(rows)

    assert end_leftovers(rows.folder) is True
    assert left.wait(10) == 0
    process = start(rows)
    assert read(rows) == [(1,)]
    end(process)


@pytest.mark.parametrize("locks", [1, 2, 3], ids=["of the folder", "of the socket", "of both"])
def test_a_stale_pid_that_now_belongs_to_another_process_is_no_obstacle(rows, locks):
    with subprocess.Popen(["sleep", "600"], **rows.account.subprocess_options()) as innocent:
        try:
            lines = f"{innocent.pid}\n{rows.folder}\n1700000000\n5432\n{rows.folder}\n\n\nready\n"
            if locks & 1:
                (rows.folder / "postmaster.pid").write_text(lines)
            if locks & 2:
                socket_lock(rows.folder).write_text(lines)

            assert end_leftovers(rows.folder) is False
            process = start(rows)
            assert read(rows) == [(1,)]
            end(process)
            assert psutil.pid_exists(innocent.pid)
        finally:
            innocent.kill()


def test_a_start_that_was_cut_off_is_made_anew(cluster):
    half = cluster.folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    end(start(cluster))
    assert not half.exists()


def test_a_folder_with_other_files_is_left_alone(cluster):
    cluster.folder.mkdir()
    (cluster.folder / "thesis.txt").write_text("precious")
    with pytest.raises(PostgresError, match="holds files but no PostgreSQL data"):
        cluster.start(subprocess.DEVNULL)
    assert (cluster.folder / "thesis.txt").read_text() == "precious"


def test_a_cluster_of_an_unknown_version_is_named(cluster):
    cluster.folder.mkdir()
    (cluster.folder / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresError, match="made by PostgreSQL 12"):
        cluster.start(subprocess.DEVNULL)


def test_a_server_that_ends_at_once_is_reported(rows):
    (rows.folder / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(PostgresError, match="did not start"):
        start(rows)


@pytest.mark.parametrize(
    ("bound", "buffers"),
    [
        (f"{1 << 29}\n", "128MB"),
        (f"{2 << 30}\n", "512MB"),
        ("max\n", None),
        ("9223372036854771712\n", None),
    ],
)
def test_buffers_are_a_share_of_what_a_container_may_use(tmp_path, monkeypatch, bound, buffers):
    file = tmp_path / "memory.max"
    file.write_text(bound)
    monkeypatch.setattr(postgres, "_MEMORY_BOUNDS", (str(file), str(tmp_path / "missing")))
    whole = psutil.virtual_memory().total
    expected = buffers or f"{min(max((whole // 4) >> 20, 128), 8192)}MB"

    process = start(cluster := Cluster(tmp_path / "postgres", throw_away=True))
    ensure_database(cluster.folder)
    with psycopg.connect(cluster.url) as connection:
        [(megabytes,)] = connection.execute(
            "SELECT setting::bigint * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'"
        ).fetchall()
    end(process)
    assert f"{megabytes}MB" == expected
