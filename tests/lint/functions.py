#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/lint/functions.py FILE... - no function above 80 lines, no file above 600

In this style a function begins at the only "{" in column one and ends at "}" in
column one. Flat tables are not functions.
"""
import sys

MAX_FUNCTION, MAX_FILE = 80, 600
bad = False
for path in sys.argv[1:]:
    with open(path) as f:
        lines = f.read().split("\n")
    if len(lines) > MAX_FILE + 1:
        print(f"{path}: {len(lines) - 1} lines, more than {MAX_FILE}")
        bad = True
    start = None
    for n, line in enumerate(lines, 1):
        if line == "{":
            start = n
        elif line == "}" and start is not None:
            if n - start - 1 > MAX_FUNCTION:
                print(f"{path}:{start}: {lines[start - 2].strip()[:60]}: {n - start - 1} lines, more than {MAX_FUNCTION}")
                bad = True
            start = None
sys.exit(bad)
