#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Raw requests to UAPI sockets.

  uapi.py compare OURS THEIRS   each row to both: the answers have to have the same errno
  uapi.py writers SOCKET        two writers of whole configs and a reader, at once
"""
import socket
import sys
import threading
import time

PEER = "aa" * 32
OTHER = "bb" * 32
SECRET = "00" * 31 + "40"

# What is sent, without "set=1" before it and the blank line behind, and what is odd about it.
SETS = [
    ("", "nothing to set"),
    ("listen_port=51999", "a port"),
    ("listen_port=65536", "no port"),
    ("listen_port=-1", "no port"),
    ("listen_port=12x", "no number"),
    ("listen_port= 12", "no number"),
    ("listen_port=", "nothing"),
    ("listen_port", "no ="),
    ("=", "no key"),
    ("fwmark=7", "a mark"),
    ("fwmark=0", "no mark"),
    ("fwmark=", "no mark"),
    ("fwmark=4294967296", "too large"),
    ("fwmark=0x7", "not decimal"),
    ("private_key=zz", "no key"),
    ("private_key=" + "0" * 63, "too short"),
    ("private_key=" + "0" * 65, "too long"),
    ("replace_peers=false", "true is all there is"),
    ("replace_peers=", "true is all there is"),
    ("colour=red", "an unknown key"),
    ("private_key\0=" + SECRET, "a zero byte in the key"),
    ("listen_port=5\x01", "a control byte"),
    ("endpoint=127.0.0.1:9", "of no peer"),
    ("allowed_ip=10.0.0.0/8", "of no peer"),
    ("public_key=" + PEER, "a peer"),
    ("public_key=" + PEER + "\nprotocol_version=1", "the one version"),
    ("public_key=" + PEER + "\nprotocol_version=2", "another version"),
    ("public_key=" + PEER + "\nprotocol_version=", "no version"),
    ("public_key=" + PEER + "\nlisten_port=1", "the interface's key in a peer"),
    ("public_key=" + PEER + "\nendpoint=host.example:9", "a name"),
    ("public_key=" + PEER + "\nendpoint=192.0.2.1", "without port"),
    ("public_key=" + PEER + "\nendpoint=192.0.2.1:99999", "no port"),
    ("public_key=" + PEER + "\nendpoint=[2001:db8::1]:9", "IPv6"),
    ("public_key=" + PEER + "\nendpoint=2001:db8::1:9", "IPv6 without brackets"),
    ("public_key=" + PEER + "\nallowed_ip=10.0.0.0/33", "no prefix"),
    ("public_key=" + PEER + "\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8", "two prefixes"),
    ("public_key=" + PEER + "\nallowed_ip=", "no prefix"),
    ("public_key=" + PEER + "\nallowed_ip=10.0.0.0/8\x1b[2J", "a terminal's command"),
    ("public_key=" + PEER + "\npreshared_key=" + SECRET, "a secret"),
    ("public_key=" + PEER + "\npreshared_key=" + "0" * 64, "no secret"),
    ("public_key=" + PEER + "\npreshared_key=", "nothing"),
    ("public_key=" + PEER + "\npersistent_keepalive_interval=65535", "the longest"),
    ("public_key=" + PEER + "\npersistent_keepalive_interval=65536", "too long"),
    ("public_key=" + PEER + "\npersistent_keepalive_interval=off", "wg's word"),
    ("public_key=" + PEER + "\nreplace_allowed_ips=false", "true is all there is"),
    ("public_key=" + PEER + "\nupdate_only=true", "it is there"),
    ("public_key=" + OTHER + "\nupdate_only=true\nallowed_ip=10.7.0.0/16", "it is not there"),
    ("public_key=" + PEER + "\nupdate_only=yes", "true is all there is"),
    ("public_key=" + PEER + "\nremove=yes", "true is all there is"),
    ("public_key=" + PEER + "\nremove=true", "gone"),
    ("public_key=" + PEER + "\nremove=true", "gone already"),
    ("public_key=" + PEER[:-1], "too short"),
    ("replace_peers=true", "all gone"),
]

RAW = [
    (b"get=1\n\n", "a get"),
    (b"get=1\nget=1\n\n", "more than get=1"),
    (b"get=1\nlisten_port=1\n\n", "a get that sets"),
    (b"get=2\n\n", "an unknown request"),
    (b"\n", "an empty request"),
    (b"\n\n", "two empty requests"),
    (b"GET=1\n\n", "capital letters"),
    (b"\xff\xfe\x00garbage\n\n", "garbage"),
    (b"a" * 100000, "garbage without an end"),
]

# What wireguard-go came to know later, and two requests sent at once, of which it forgets one.
OURS = [
    (f"set=1\npublic_key={PEER}\nallowed_ip=10.0.0.0/8\n\n".encode(), ["errno=0"]),
    (f"set=1\npublic_key={PEER}\nallowed_ip=-10.0.0.0/8\n\n".encode(), ["errno=0"]),
    (f"set=1\npublic_key={PEER}\nallowed_ip=-10.9.0.0/16\n\n".encode(), ["errno=0"]),
    (f"set=1\npublic_key={PEER}\nallowed_ip=-\n\n".encode(), ["errno=-22"]),
    (f"set=1\npublic_key={PEER}\nallowed_ip=--10.0.0.0/8\n\n".encode(), ["errno=-22"]),
    (b"set=1\n\nget=1\n\n", ["errno=0", "errno=0"]),
    (b"set=1\ncolour=red\n\nset=1\n\n", ["errno=-22", "errno=0"]),
    (b"set=1\nlisten_port=" + b"1" * 2000 + b"\n\nset=1\n\n", ["errno=-22", "errno=0"]),
    (b"set=1\nlisten_port=1", []),
]


def ask(path, request, pieces=1):
    """What is answered until the other end closes or has been silent for a while."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(3)
        s.connect(path)
        try:
            for at in range(0, len(request), max(len(request) // pieces, 1)):
                s.sendall(request[at:at + max(len(request) // pieces, 1)])
            s.shutdown(socket.SHUT_WR)
            while True:
                data = s.recv(65536)
                if not data:
                    break
                answer += data
        except (ConnectionError, TimeoutError):
            pass
    return answer


def codes(answer):
    return [line for line in answer.decode(errors="replace").split("\n")
            if line.startswith("errno=")]


def compare(ours, theirs):
    rows = [(f"set=1\n{text}\n\n".replace("\n\n\n", "\n\n").encode("latin-1"), why)
            for text, why in SETS] + RAW
    n_wrong = 0
    for request, why in rows:
        is_, ought = codes(ask(ours, request)), codes(ask(theirs, request))
        in_pieces = codes(ask(ours, request, 7))
        if is_ != ought or in_pieces != is_:
            n_wrong += 1
            print(f"{request[:80]!r} ({why}): {is_}, in pieces {in_pieces}, should be {ought}")
    for request, ought in OURS:
        is_ = codes(ask(ours, request))
        if is_ != ought:
            n_wrong += 1
            print(f"{request[:80]!r}: {is_}, should be {ought}")
    print(f"{len(rows)} requests, {n_wrong} answered in another way")
    return 1 if n_wrong else 0


def config_of(mark, count):
    lines = ["set=1", "replace_peers=true"]
    for i in range(count):
        lines += [f"public_key={mark}{i:062x}", "replace_allowed_ips=true",
                  f"allowed_ip=10.{int(mark, 16)}.{i}.0/24"]
    return ("\n".join(lines) + "\n\n").encode()


def peers_of(path):
    text = ask(path, b"get=1\n\n").decode()
    return [line[11:13] for line in text.split("\n") if line.startswith("public_key=")]


def writers(path):
    count, end, failures, written = 20, time.monotonic() + 4, [], {"a1": 0, "b2": 0}

    def write(mark):
        while time.monotonic() < end:
            if codes(ask(path, config_of(mark, count), 5)) != ["errno=0"]:
                failures.append("refused " + mark)
            written[mark] += 1
            time.sleep(0.005)

    ask(path, config_of("a1", count))
    threads = [threading.Thread(target=write, args=(mark,)) for mark in written]
    for t in threads:
        t.start()
    n_reads = 0
    while any(t.is_alive() for t in threads):
        peers = peers_of(path)
        n_reads += 1
        if len(peers) != count or len(set(peers)) > 1:
            failures.append(f"a mixture: {len(peers)} peers of {set(peers)}")
    for t in threads:
        t.join()
    if len(peers_of(path)) != count or len(set(peers_of(path))) != 1:
        failures.append("the end is a mixture")
    print(f"{written} written, {n_reads} reads, {failures[:5]}")
    return 1 if failures or min(written.values()) < 5 else 0


def main():
    what = {"compare": compare, "writers": writers}[sys.argv[1]]
    sys.exit(what(*sys.argv[2:]))


main()
