import os
from importlib import import_module
from typing import cast
from wsgiref.headers import Headers

import django
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings
from servestatic import ServeStaticASGI

from config.garbage import spare_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["GROUNDWORK_LOADS_MODELS"] = "0"
django.setup(set_prefix=False)

from config.handlers import (  # noqa: E402 - needs settings
    LEAN_PREFIXES,
    WAITING_PREFIXES,
    LeanHandler,
    PagesHandler,
    WaitingHandler,
)
from config.requests import BodyLimit  # noqa: E402 - needs settings

pages = BodyLimit(cast("ASGI3Application", PagesHandler()))
lean = BodyLimit(cast("ASGI3Application", LeanHandler()))
waiting = BodyLimit(cast("ASGI3Application", WaitingHandler()))


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


# Files with a hash of their content in the name may be kept for ever; the class knows them.
static = ServeStaticASGI(None, allow_all_origins=False, add_headers_function=_add_headers)
if settings.STATIC_ROOT.is_dir():
    static.add_files(settings.STATIC_ROOT, prefix=settings.STATIC_URL)

import_module(settings.ROOT_URLCONF)
spare_what_is_loaded()


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Static files never pass through Django, and only pages pass through all of it."""
    await _handler(scope["path"] if scope["type"] == "http" else "")(scope, receive, send)


def _handler(path: str) -> ASGI3Application:
    if path.startswith(settings.STATIC_URL):
        return cast("ASGI3Application", static)
    if path.startswith(WAITING_PREFIXES):
        return cast("ASGI3Application", waiting)
    return cast("ASGI3Application", lean if path.startswith(LEAN_PREFIXES) else pages)
