#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/ordinary.t [-v] [-u USER] [NAME...] - ordinary work under the default policy is as without agentsh

Seconds: 900
"""
import glob
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../lib")
import twice

# Root runs all with AGENTSH_LONG, else those in which it might differ
twice.main(sorted(glob.glob(HERE + "/ordinary/*.cases")), sys.argv[1:],
           roots="git-|names|links|hardlinks|archives|xattr|acl|modes|times|rename|tmpfile|locks|identity|gdb|strace|unix|served|proc|prctl")
