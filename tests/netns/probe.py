#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Many questions at once whether something gets through.

  probe.py catch                          prints each token of a packet that came (below), as root
  probe.py ask TOKEN SECONDS <LIST        a line "NAME KIND ADDRESS PORT" each; says "NAME +" or "-"
  probe.py await ADDRESS PORT SECONDS     until a TCP connection is answered

Kinds: tcp, udp, big (a UDP packet in fragments) and ping wait for an answer. What nobody answers is
sent as it is, with "TOKEN/NAME;" inside for `catch` at the other end, and is told as "NAME ?": ack,
a TCP ACK of no connection; sctp; and ipN, any other protocol.
"""
import concurrent.futures
import os
import re
import select
import socket
import struct
import sys
import time

EVERY_S = 0.3  # a question that is not answered is asked again
PROTOCOLS = {"ack": 6, "sctp": 132}
TOKEN = re.compile(rb"[a-z0-9_.:+-]+/[a-z0-9_.:-]+(?=;)")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def asked(s, question, seconds, is_answer):
    """Sends until something comes that is the answer, or the time is over."""
    end = time.monotonic() + seconds
    s.settimeout(EVERY_S)
    while time.monotonic() < end:
        try:
            s.send(question)
            again = time.monotonic() + EVERY_S
            while time.monotonic() < again:
                if is_answer(s.recv(4096)):
                    return True
        except OSError:  # nothing yet, or an ICMP error
            time.sleep(0.02)
    return False


def ask_udp(address, port, seconds, size=16):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        return asked(s, b"?" * size, seconds, bool)


def ask_tcp(address, port, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            patience = max(0.1, min(max(0.8, seconds / 2), end - time.monotonic()))
            with socket.create_connection((address, port), timeout=patience) as s:
                return bool(s.recv(16))
        except OSError:
            time.sleep(0.02)
    return False


def ask_ping(address, number, seconds):
    is_6 = ":" in address
    protocol = socket.IPPROTO_ICMPV6 if is_6 else socket.IPPROTO_ICMP
    with socket.socket(family_of(address), socket.SOCK_RAW, protocol) as s:
        s.connect((address, 0))
        question = struct.pack("!BBHHH", 128 if is_6 else 8, 0, 0, number, 1) + b"ping" * 4
        question = question[:2] + struct.pack("!H", sum16(question)) + question[4:]
        answer = struct.pack("!BB", 129 if is_6 else 0, 0)

        def is_answer(data):
            data = data if is_6 else data[20:]
            return data[:2] == answer and data[4:6] == struct.pack("!H", number)

        return asked(s, question, seconds, is_answer)


def sum16(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def send_raw(kind, address, port, token):
    """Three times, for packets get lost."""
    protocol = PROTOCOLS.get(kind) or int(kind[2:])
    body = token.encode() + b";"
    if kind == "ack":
        body = struct.pack("!HHIIBBHHH", 1234, port, 1, 1, 5 << 4, 16, 1000, 0, 0) + body
    elif kind == "sctp":
        body = struct.pack("!HHII", 1234, port, 1, 0) + body
    with socket.socket(family_of(address), socket.SOCK_RAW, protocol) as s:
        for _ in range(3):
            s.sendto(body, (address, 0))
            time.sleep(EVERY_S)


def outcome_of(number, token, line, seconds):
    name, kind, address, port = line.split()
    if kind == "tcp":
        came = ask_tcp(address, int(port), seconds)
    elif kind in ("udp", "big"):
        came = ask_udp(address, int(port), seconds, 3000 if kind == "big" else 16)
    elif kind == "ping":
        came = ask_ping(address, (os.getpid() << 6 | number) & 0xFFFF, seconds)
    else:
        send_raw(kind, address, int(port), f"{token}/{name}")
        return f"{name} ?"
    return f"{name} {'+' if came else '-'}"


def outcome(number, token, line, seconds):
    try:
        return outcome_of(number, token, line, seconds)
    except OSError:  # there is not even a route
        return f"{line.split()[0]} -"


def ask(token, seconds):
    lines = sys.stdin.read().splitlines()
    with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
        turns = [pool.submit(outcome, i, token, line, seconds) for i, line in enumerate(lines)]
        for turn in turns:
            print(turn.result())


def catch():
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (2, 6, 47, 132)]
    print("listening", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            for token in TOKEN.findall(s.recv(4096)):
                print(token.decode(), flush=True)


def main(what, *words):
    if what == "catch":
        catch()
    elif what == "await":
        return 0 if ask_tcp(words[0], int(words[1]), float(words[2])) else 1
    elif what == "ask":
        ask(words[0], float(words[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
