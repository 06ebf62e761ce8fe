"""Headers that every answer carries, and pages in few bytes."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar, cast
from zlib import MAX_WBITS, Z_SYNC_FLUSH, compressobj

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.deprecation import MiddlewareMixin

from config.page_parts import PageInParts

# Said to zlib, it makes the format of gzip.
_GZIP = 16
# Only our own scripts and styles run, whatever ends up in a page.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "style-src 'self'",
        "script-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    | (
        {"Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"}
        if settings.SECURE_HSTS_SECONDS
        else {}
    )
)

Response = TypeVar("Response", bound=HttpResponseBase)


def add_headers(response: Response, headers: Mapping[str, str]) -> Response:
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


class SecurityHeadersMiddleware(MiddlewareMixin):
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return add_headers(response, SECURITY_HEADERS)


class CompressionMiddleware(GZipMiddleware):
    """Pages and their fragments, which repeat themselves, in a tenth of their bytes. Files and exports are
    sent as they are. What is secret in a page, its CSRF token, is another one each time."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if isinstance(response, PageInParts):
            parts = cast("Iterator[bytes]", response.streaming_content)
            super().process_response(request, response)
            if response.has_header("Content-Encoding"):
                response.streaming_content = _compressed(parts)
            return response
        if response.streaming or not is_page:
            return response
        return super().process_response(request, response)


def _compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Each part so that the browser can read it before the next comes, which Django's way is not."""
    compressor = compressobj(wbits=MAX_WBITS | _GZIP)
    for part in parts:
        yield compressor.compress(part) + compressor.flush(Z_SYNC_FLUSH)
    yield compressor.flush()
