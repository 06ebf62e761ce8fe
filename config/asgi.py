import os
from typing import cast
from wsgiref.headers import Headers

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings
from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = cast("ASGI3Application", get_asgi_application())


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


# Files with a hash of their content in the name may be kept for ever; the class knows them.
static = ServeStaticASGI(None, allow_all_origins=False, add_headers_function=_add_headers)
if settings.STATIC_ROOT.is_dir():
    static.add_files(settings.STATIC_ROOT, prefix=settings.STATIC_URL)


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Django, except for static files, which never pass through its stack."""
    is_static = scope["type"] == "http" and scope["path"].startswith(settings.STATIC_URL)
    await (static if is_static else django)(scope, receive, send)
