#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asks over UDP and TCP whether something gets through; answers with what it hears.

  ask.py serve PORT…                     answers on all of them, UDP and TCP
  ask.py udp|tcp ADDRESS PORT [FROM]     ends with 0 when an answer came; FROM: our own port
  ask.py refused ADDRESS PORT            ends with 0 when an ICMP error said that nobody is there
  ask.py stray FROM TO                   sends a TCP ACK of no connection (IPv4, as root)
"""
import selectors
import socket
import struct
import sys

KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        for kind in KINDS.values():
            s = socket.socket(socket.AF_INET6, kind)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", int(port)))
            if kind == socket.SOCK_STREAM:
                s.listen()
            selector.register(s, selectors.EVENT_READ)
    print("serving", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj.type == socket.SOCK_STREAM:
                connection, _ = key.fileobj.accept()
                connection.sendall(b"yes")
                connection.close()
            else:
                data, who = key.fileobj.recvfrom(2048)
                key.fileobj.sendto(data, who)


def ask(kind, address, port, own_port):
    s = socket.socket(family_of(address), KINDS[kind])
    s.settimeout(2)
    s.bind(("", own_port))
    s.connect((address, port))
    if kind == "udp":
        s.send(b"who")
    return bool(s.recv(16))


def is_refused(address, port):
    try:
        ask("udp", address, port, 0)
    except ConnectionRefusedError:
        return True
    return False


def stray(source, destination):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    s.bind((source, 0))
    ack = struct.pack("!HHIIBBHHH", 1234, 22, 1, 1, 5 << 4, 16, 1000, 0, 0)
    s.sendto(ack, (destination, 0))


def main(what, *words):
    if what == "serve":
        serve(words)
    elif what == "stray":
        stray(*words)
    elif what == "refused":
        return 0 if is_refused(words[0], int(words[1])) else 1
    else:
        own_port = int(words[2]) if len(words) > 2 else 0
        return 0 if ask(what, words[0], int(words[1]), own_port) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
