"""A server on this machine that has small archives of VOC 2007, and that misbehaves as asked."""

import hashlib
import io
import socket
import struct
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

TRAINVAL, TEST = "VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar"


def tar_of(files: dict[str, bytes]) -> bytes:
    """Return a tar archive of these names and contents."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def voc_tar(image: str, split: str, seed: int) -> bytes:
    picture = np.random.default_rng(seed).bytes(400_000)
    inside = {
        f"Annotations/{image}.xml": b"<annotation/>",
        f"JPEGImages/{image}.jpg": picture,
        f"ImageSets/Main/{split}.txt": image.encode(),
    }
    return tar_of({f"VOCdevkit/VOC2007/{name}": content for name, content in inside.items()})


class Handler(BaseHTTPRequestHandler):
    """What an address asks for: the first part of its path says how the server behaves."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        _, way, name = self.path.split("/")
        wanted = self.headers.get("Range")
        self.server.requests.append((way, name, wanted))
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may hang up
            getattr(self, way)(self.server.files[name], wanted)

    def head(self, content, wanted):
        """Send the head of an answer; return the bytes that should follow."""
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        return content[start:]

    def body(self, content):
        self.wfile.write(content)
        self.server.sent += len(content)

    def times(self, way):
        return sum(asked == way for asked, *_ in self.server.requests)

    def good(self, content, wanted):
        self.body(self.head(content, wanted))

    def cut(self, content, wanted):
        """Cut the connection midway three times."""
        rest = self.head(content, wanted)
        self.body(rest if self.times("cut") > 3 else rest[: len(rest) // 3])

    def reset(self, content, wanted):
        """Cut it the hard way, which the client sees as an error rather than an end."""
        rest = self.head(content, wanted)
        self.body(rest if self.times("reset") > 3 else rest[: len(rest) // 3])
        if self.times("reset") <= 3:
            time.sleep(0.05)
            hard = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)

    def alwayscut(self, content, wanted):
        self.body(self.head(content, None)[:1000])

    def wrong(self, content, wanted):
        """Send another file of the same length."""
        if self.times("wrong") > 9:  # whoever asks so often would ask forever
            return self.send_error(404)
        return self.body(self.head(bytes(len(content)), wanted))

    def longer(self, content, wanted):
        self.body(self.head(content + b"more", wanted))

    def nonsense(self, content, wanted):
        """Tell a length that is no number."""
        self.send_response(200)
        self.send_header("Content-Length", "abc")
        self.end_headers()
        self.body(content)

    def drip(self, content, wanted):
        """Send a byte now and then: the connection never stalls, and never ends."""
        for byte in self.head(content, wanted):
            self.body(bytes([byte]))
            if self.server.end.wait(0.05):
                break

    def elsewhere(self, content, wanted):
        """Lead to a file on the client's own disk."""
        self.send_response(302)
        self.send_header("Location", Path(__file__).resolve().as_uri())
        self.end_headers()

    def page(self, content, wanted):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.body(b"<h1>Sign in to use this network</h1>")

    def slow(self, content, wanted):
        rest = self.head(content, wanted)
        step = len(rest) // 20 + 1
        for start in range(0, len(rest), step):
            time.sleep(self.server.pause)
            self.body(rest[start : start + step])

    def stall(self, content, wanted):
        self.body(self.head(content, wanted)[:1000])
        self.server.end.wait(10)

    def norange(self, content, wanted):
        """Cut once, and send all again instead of a part."""
        rest = self.head(content, None)
        self.body(rest if self.times("norange") > 1 else rest[: len(rest) // 2])

    def refuserange(self, content, wanted):
        if wanted:
            self.send_error(416)
        else:
            rest = self.head(content, None)
            self.body(rest if self.times("refuserange") > 1 else rest[: len(rest) // 2])

    def busy(self, content, wanted):
        """Be overloaded once."""
        if self.times("busy") == 1:
            self.send_error(503)
        else:
            self.good(content, wanted)

    def missing(self, content, wanted):
        self.send_error(404)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[ThreadingHTTPServer]:
    """Run a server that has these files; it notes what was asked for, and how much it has sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.requests, server.sent, server.pause = files, [], 0, 0.03
    server.end = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.end.set()
        server.shutdown()
        server.server_close()
        thread.join()


def described(server: ThreadingHTTPServer, way: str) -> list[dict]:
    """Return what `coursetools.fetching.Archive` needs, where VOC's own host behaves this way."""
    return [
        {
            "name": name,
            "sites": (f"{server.url}/{way}",),
            "md5": hashlib.md5(content).hexdigest(),
            "size": len(content),
            "split": "test" if name == TEST else "trainval",
        }
        for name, content in server.files.items()
    ]
