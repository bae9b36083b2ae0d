#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A long TCP session as an administrator has one, with a line each way every 50 ms.

    session.py server --port P              echoes lines on IPv4 and IPv6 until it is ended
    session.py client --to A --port P       until SIGTERM; then waits for the last echoes

The client ends with a line of JSON: {"sent": N, "echoed": N, "longest_gap_ms": N, "late_ms": N,
"error": ""}. longest_gap_ms is the longest time without an echo while lines were under way;
late_ms is how late the client itself came to send, which is the machine's load and not ours.
"""
import argparse
import json
import selectors
import signal
import socket
import sys
import time

TICK_S = 0.05
LAST_ECHOES_S = 15


def serve(port):
    listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    loop = selectors.DefaultSelector()
    loop.register(listener, selectors.EVENT_READ)
    print("listening", flush=True)
    while True:
        for key, _ in loop.select():
            if key.fileobj is listener:
                peer, _ = listener.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                loop.register(peer, selectors.EVENT_READ)
                continue
            data = key.fileobj.recv(65536)
            if data:
                key.fileobj.sendall(data)
            else:
                loop.unregister(key.fileobj)
                key.fileobj.close()


class Client:
    def __init__(self, to, port):
        self.socket = socket.create_connection((to, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(TICK_S)
        self.sent = self.echoed = 0
        self.gap = self.late = 0.0
        self.heard = time.monotonic()
        self.is_ending = False

    def hear(self, until):
        """Takes echoes until then; what was under way and how long is the gap."""
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                return
            if not data:
                raise ConnectionError("the other end closed")
            now = time.monotonic()
            self.gap = max(self.gap, now - self.heard)
            self.heard = now
            self.echoed += data.count(b"\n")

    def run(self):
        tick = time.monotonic()
        while not self.is_ending:
            self.late = max(self.late, time.monotonic() - tick)
            self.socket.settimeout(10)
            self.socket.sendall(b"%d\n" % self.sent)
            self.sent += 1
            tick = max(tick + TICK_S, time.monotonic())
            self.hear(tick)
        end = time.monotonic() + LAST_ECHOES_S
        while self.echoed < self.sent and time.monotonic() < end:
            self.hear(min(end, time.monotonic() + TICK_S))

    def report(self, error):
        print(json.dumps({"sent": self.sent, "echoed": self.echoed,
                          "longest_gap_ms": round(self.gap * 1000),
                          "late_ms": round(self.late * 1000), "error": error}))


def be_client(to, port):
    client = Client(to, port)

    def end(*_):
        client.is_ending = True

    signal.signal(signal.SIGTERM, end)
    print("connected", flush=True)
    error = ""
    try:
        client.run()
    except OSError as e:
        error = str(e)
    client.report(error)
    return 1 if error or client.echoed != client.sent else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--to")
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    if args.role == "server":
        serve(args.port)
    return be_client(args.to, args.port)


sys.exit(main())
