"""The settings as a fresh process reads them from its environment."""

import os
import subprocess
import sys

import pytest

from config.data_folder import ROOT

GOOD_SECRET = "f3b1" * 12


def read_settings(expression: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings as s; print({expression})"],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("secret", ["", "change-me", "short", "django-insecure-" + "x" * 40])
def test_a_missing_example_or_short_secret_refuses_to_start(tmp_path, secret):
    result = read_settings(
        "s.SECRET_KEY", GROUNDWORK_DATA=str(tmp_path), GROUNDWORK_SECRET_KEY=secret
    )
    assert result.returncode != 0
    assert "GROUNDWORK_SECRET_KEY is" in result.stderr
    assert "32 random characters" in result.stderr


def test_manage_py_says_what_is_wrong_with_the_secret_in_one_line(tmp_path):
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GROUNDWORK_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("GROUNDWORK_SECRET_KEY is not set.")
    assert len(result.stderr.splitlines()) == 1


def test_the_generated_secret_is_read_from_the_data_folder(tmp_path):
    (tmp_path / "secret_key").write_text(GOOD_SECRET + "\n")
    result = read_settings("s.SECRET_KEY", DATA=str(tmp_path))
    assert result.stdout.strip() == GOOD_SECRET


def test_debug_needs_no_secret(tmp_path):
    result = read_settings("s.DEBUG", GROUNDWORK_DATA=str(tmp_path), GROUNDWORK_DEBUG="yes")
    assert result.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GROUNDWORK_DEBUG", "maybe", "GROUNDWORK_DEBUG must be 1 or 0, not 'maybe'."),
        ("GROUNDWORK_PORT", "eight", "GROUNDWORK_PORT must be a whole number, not 'eight'."),
        ("DATABASE_URL", "mysql://root@/x", "DATABASE_URL must start with postgresql://"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(tmp_path, name, value, message):
    environment = {"GROUNDWORK_DATA": str(tmp_path), "GROUNDWORK_SECRET_KEY": GOOD_SECRET}
    assert message in read_settings("0", **(environment | {name: value})).stderr


def test_a_database_url_is_taken_apart(tmp_path):
    result = read_settings(
        "[s.DATABASES['default'][k] for k in ('NAME', 'USER', 'PASSWORD', 'HOST', 'PORT')]",
        GROUNDWORK_DATA=str(tmp_path),
        GROUNDWORK_SECRET_KEY=GOOD_SECRET,
        DATABASE_URL="postgresql://gw:p%40ss@db.example:5433/ground?sslmode=require",
    )
    assert result.stdout.strip() == "['ground', 'gw', 'p@ss', 'db.example', '5433']"


def test_without_a_database_url_the_embedded_one_is_found_by_its_folder(tmp_path):
    result = read_settings(
        "s.DATABASES['default']['HOST']",
        GROUNDWORK_DATA=str(tmp_path),
        GROUNDWORK_SECRET_KEY=GOOD_SECRET,
    )
    assert result.stdout.strip() == str(tmp_path / "postgres")
