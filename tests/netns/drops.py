#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Adds up the counters whose name matches a pattern, from `headgate drops --json` on stdin."""
import json
import re
import sys


def pairs(value, name=""):
    """(name, count) of every number in the answer, whatever objects and lists hold it."""
    if isinstance(value, dict):
        label = value.get("reason") or value.get("name")
        for key, inner in value.items():
            yield from pairs(inner, label or key)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, value


pattern = re.compile(sys.argv[1])
print(sum(count for name, count in pairs(json.load(sys.stdin)) if pattern.search(name)))
