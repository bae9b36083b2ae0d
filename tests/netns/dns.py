#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A name server for one name:  dns.py ADDRESS FILE

Answers every question for an A record with what FILE holds at that moment, for no time to be
kept; with an empty FILE the name does not exist. Other types have no record.
"""
import socket
import struct
import sys

A_RECORD = 1
NXDOMAIN = 3


def question_end(query):
    at = 12
    while query[at]:
        at += 1 + query[at]
    return at + 5


def answer(query, address):
    end = question_end(query)
    wants_a = struct.unpack("!H", query[end - 4:end - 2])[0] == A_RECORD
    has_record = bool(address) and wants_a
    flags = 0x8400 | (0 if address else NXDOMAIN)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, int(has_record), 0, 0)
    record = b""
    if has_record:
        record = struct.pack("!HHHIH", 0xC00C, A_RECORD, 1, 0, 4) + socket.inet_aton(address)
    return head + query[12:end] + record


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], 53))
    print("listening", flush=True)
    while True:
        query, client = server.recvfrom(512)
        with open(sys.argv[2], encoding="ascii") as file:
            address = file.read().strip()
        try:
            server.sendto(answer(query, address), client)
        except (IndexError, struct.error):
            pass


main()
