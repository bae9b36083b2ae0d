#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A service manager's ear, and a hand that stops one thread.

    manager.py listen PATH        prints each datagram as a line, fields joined by spaces
    manager.py stop TID SECONDS   holds that one thread still for so long (ptrace), then lets it go
"""
import ctypes
import os
import socket
import sys
import time

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # a thread, not only a process's first


def listen(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    print("listening", flush=True)
    while True:
        print(s.recv(4096).decode().strip().replace("\n", " "), flush=True)


def stop(tid, seconds):
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        if libc.ptrace(request, tid, None, None) < 0:
            raise OSError(ctypes.get_errno(), "ptrace", str(tid))

    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(tid, WALL)
    print("stopped", flush=True)
    time.sleep(seconds)
    ptrace(PTRACE_DETACH)
    print("goes on", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen(sys.argv[2])
    else:
        stop(int(sys.argv[2]), float(sys.argv[3]))
