#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs commands in the guest that tests/interop/guest.sh boots, as `ip netns exec` does in a
network namespace: same arguments, input, output, signals and exit status.

  guest.py serve            in the guest: a process for each connection
  guest.py run COMMAND…     outside, in the namespace of the guest's machine: runs it in there,
                            in the scene's network namespace
  guest.py admin COMMAND…   the same, in that of the guest's first process

On a connection: one line of JSON (the last two words, as a list), then frames both ways: a letter, a length of
four bytes, the bytes. Inwards i (input; none: its end) and s (a signal's number); outwards
o and e (output, errors) and x (the exit status, which is the last).
"""

import json
import os
import selectors
import signal
import socket
import socketserver
import struct
import subprocess
import sys

PORT = 7
SCENE = "/run/scene"  # the process that holds the scene's network namespace


def send(sock, kind, data=b""):
    sock.sendall(struct.pack("!cI", kind, len(data)) + data)


def read_exactly(sock, length):
    data = b""
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def receive(sock):
    kind, length = struct.unpack("!cI", read_exactly(sock, 5))
    return kind, read_exactly(sock, length)


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        line += read_exactly(sock, 1)
    return line


class Command(socketserver.BaseRequestHandler):
    """One command in the guest."""

    def handle(self):
        verb, argv = json.loads(read_line(self.request))
        pid = "1"
        if verb == "run":
            with open(SCENE, encoding="ascii") as file:
                pid = file.read().strip()
        child = subprocess.Popen(["nsenter", "-t", pid, "-n", "--", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, start_new_session=True)
        try:
            self.relay(child)
            status = child.wait()
            send(self.request, b"x", str(status if status >= 0 else 128 - status).encode())
        except (EOFError, OSError):  # whoever asked is gone
            os.killpg(child.pid, signal.SIGKILL)

    def relay(self, child):
        outputs = {child.stdout: b"o", child.stderr: b"e"}
        with selectors.DefaultSelector() as ready:
            for source in [self.request, *outputs]:
                ready.register(source, selectors.EVENT_READ)
            while outputs:
                for key, _ in ready.select():
                    if key.fileobj is self.request:
                        self.obey(child)
                        continue
                    data = os.read(key.fd, 65536)
                    if data:
                        send(self.request, outputs[key.fileobj], data)
                    else:
                        ready.unregister(key.fileobj)
                        del outputs[key.fileobj]

    def obey(self, child):
        kind, data = receive(self.request)
        try:
            if kind == b"s":
                os.killpg(child.pid, int(data))
            elif data:
                os.write(child.stdin.fileno(), data)
            else:
                child.stdin.close()
        except OSError:  # it has ended, or reads no more
            pass


class Server(socketserver.ForkingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    max_children = 200


def serve():
    with Server(("", PORT), Command) as server:
        print("the guest takes commands", flush=True)
        server.serve_forever()


def run(verb, argv):
    sock = socket.create_connection(("127.0.0.1", PORT))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: send(sock, b"s", str(n).encode()))
    sock.sendall(json.dumps([verb, argv]).encode() + b"\n")
    with selectors.DefaultSelector() as ready:
        ready.register(sock, selectors.EVENT_READ)
        try:
            ready.register(sys.stdin, selectors.EVENT_READ)
        except PermissionError:  # a file, or /dev/null: always ready
            send(sock, b"i", sys.stdin.buffer.read())
            send(sock, b"i")
        while True:
            for key, _ in ready.select():
                if key.fileobj is sock:
                    status = answer(sock)
                    if status is not None:
                        return status
                else:
                    data = os.read(0, 65536)
                    send(sock, b"i", data)
                    if not data:
                        ready.unregister(sys.stdin)


def answer(sock):
    kind, data = receive(sock)
    if kind == b"x":
        return int(data)
    os.write(1 if kind == b"o" else 2, data)
    return None


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    try:
        sys.exit(run(sys.argv[1], sys.argv[2:]))
    except (EOFError, OSError) as e:
        sys.exit(f"guest.py: the guest does not answer: {e!r}")
