"""Asking the web process how it is."""

import http.client
import json
from dataclasses import dataclass

_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when nobody answered."""

    status: int
    problems: list[str]


def ask(host: str, port: int, path: str) -> Answer:
    """GET `path`; never raises for a server that is down, slow or confused."""
    link = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        link.request("GET", path, headers={"Host": "localhost"})
        response = link.getresponse()
        body = json.loads(response.read())
        return Answer(response.status, list(body.get("problems", [])))
    except (OSError, http.client.HTTPException):
        return Answer(0, ["The web process does not answer."])
    except (ValueError, AttributeError):
        return Answer(response.status, ["The web process gave an answer that is not its own."])
    finally:
        link.close()
