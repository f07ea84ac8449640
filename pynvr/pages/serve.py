"""Serves the page over HTTP, for a try: `python -m pynvr.pages.serve DIR`. Daily use needs a web server.

It listens on 127.0.0.1 only, and answers requests for a range, so that a browser can seek. It gives out the
page, recordings and their pictures, nothing else and nothing outside of the folder; there is no listing.
Whether a recording is kept can be changed with the token that is printed at the start, and nothing else.
"""

import argparse
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pynvr.archive import companions
from pynvr.pages.site import Site

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, Response
    from starlette.routing import Route
except ModuleNotFoundError as missing:
    sys.exit(
        f"pynvr: pynvr.pages.serve needs {missing.name}: .venv/bin/pip install -r requirements-serve.txt"
    )

RECORDINGS = {".avi", ".mkv", ".mp4", ".ts"}
READABLE = RECORDINGS | {".css", ".html", ".jpg", ".js", ".svg"}
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"}
DEFAULT_PORT = 8000


def make_app(root: Path, token: str) -> Starlette:
    """The application that serves `root`: an archive, or the folder above the archives of several cameras."""
    root = root.resolve()

    def found(name: str) -> Path | None:
        """The file that a request may read; None if there is none."""
        names = PurePosixPath(name).parts
        if any(part.startswith(".") for part in names) or ".part." in name or "\0" in name:
            return None
        path = (root / name).resolve()
        inside = path.is_relative_to(root) and path.suffix in READABLE
        return path if inside and path.is_file() else None

    async def read(request: Request) -> Response:
        path = found(request.path_params["name"] or "index.html")
        if path is None:
            return PlainTextResponse("there is no such file\n", 404, HEADERS)
        return FileResponse(path, headers=HEADERS)

    async def keep(request: Request) -> Response:
        """Keep a recording for good, or no longer: the body says `true` or `false`."""
        given = request.headers.get("X-Token", "")
        if not secrets.compare_digest(given.encode(), token.encode()):
            return PlainTextResponse("only who has the token may do that\n", 403, HEADERS)
        path = found(request.path_params["name"])
        archive = None if path is None else _archive_of(path, root)
        if path is None or archive is None or path.suffix not in RECORDINGS:
            return PlainTextResponse("there is no such recording\n", 404, HEADERS)
        body = await request.body()
        if body not in (b"true", b"false"):
            return PlainTextResponse("the body has to be true or false\n", 400, HEADERS)
        if body == b"true":
            companions.keep(str(path))
        else:
            path.with_suffix(companions.KEEP).unlink(missing_ok=True)
        Site(archive).look_again(path.relative_to(archive).as_posix())
        return Response(status_code=204, headers=HEADERS)

    routes = [
        Route("/keep/{name:path}", keep, methods=["POST"]),
        Route("/{name:path}", read, methods=["GET", "HEAD"]),
    ]
    # else any page of the world could reach this server by a host name of its own (DNS rebinding)
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[hosts])


def _archive_of(path: Path, root: Path) -> Path | None:
    """The archive that a recording lies in: the nearest folder above it with a page."""
    for folder in path.parents:
        if (folder / "days").is_dir():
            return folder
        if folder == root:
            break
    return None


def port(text: str) -> int:
    """A port from the command line; raises ValueError."""
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pynvr.pages.serve", description="Serve an archive's page on this machine, for a try."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="an archive, or the PAGE_ROOT of several")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help=f"{DEFAULT_PORT} unless said")
    options = parser.parse_args(arguments)
    if not (options.folder / "index.html").is_file():
        print(
            f"pynvr: {options.folder}: has no page; ARCHIVE_PAGE makes one in each archive", file=sys.stderr
        )
        return 1
    try:
        listening = socket.create_server(("127.0.0.1", options.port))
    except OSError as error:
        print(f"pynvr: port {options.port}: {error.strerror}", file=sys.stderr)
        return 1
    os.umask(0o777 & ~(options.folder / "index.html").stat().st_mode)  # replaced files keep their mode
    token = secrets.token_urlsafe(12)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/#token={token}", flush=True)
    config = uvicorn.Config(make_app(options.folder, token), log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())
