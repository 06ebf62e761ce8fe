import os
from wsgiref.headers import Headers

from django.conf import settings
from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


# Static files never pass through Django; those with a hash in their name are kept for ever.
application = ServeStaticASGI(
    get_asgi_application(), allow_all_origins=False, add_headers_function=_add_headers
)
if settings.STATIC_ROOT.is_dir():
    application.add_files(settings.STATIC_ROOT, prefix=settings.STATIC_URL)
