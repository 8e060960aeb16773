#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lint/text.sh - what must and must not stand in the files under version control
set -eu
cd "$(dirname "$0")/../.."
bad=0
complain() {
	echo "$*"
	bad=1
}
# What is to be committed counts as well; without git, what lies here
files=$(git ls-files --cached --others --exclude-standard 2>/dev/null ||
	find . -name build -prune -o -type f -print | sed 's|^\./||')
exists() {
	for f in $files; do
		[ ! -f "$f" ] || echo "$f"
	done
}
files=$(exists)
sources=$(echo "$files" | grep -E '\.(c|h|def|sh|py|t)$|^Makefile$|^\.ci/|^packaging/deps$|^tests/(run|lib/exec)$' || true)

for f in $sources; do
	head -3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$f: no SPDX line at its head"
	case $f in
	*.c | *.h | *.def)
		sed -n 2,4p "$f" | grep -qF " * $f - " || complain "$f: its head does not say \"$f - purpose\""
		;;
	esac
done
for f in $(echo "$files" | grep -E '^(common|policy|cage|notifyd|fusefs|audit|cli|preload)/.*\.h$' || true); do
	guard=$(echo "$f" | tr 'a-z/.' 'A-Z__')
	grep -q "^#ifndef $guard\$" "$f" || complain "$f: its guard is not $guard"
done

# The tools know their registries; a host written here would go stale, or leak into somebody's build.
# The words are put together, so that this file does not find itself
for host in 'registry\.npm''js' 'py''pi\.org' 'crates\.''io' 'proxy\.go''lang' 'ruby''gems\.org' 'repo\.maven'; do
	found=$(echo "$files" | grep -v '^LICENSE$' | tr '\n' '\0' | xargs -0 grep -InE "$host" 2>/dev/null || true)
	[ -z "$found" ] || complain "host of a package registry: $found"
done
for path in '/wo''rk/(main|shared)' '/var/tmp/(build|brief|acc''ept)'; do
	found=$(echo "$files" | tr '\n' '\0' | xargs -0 grep -InE "(^|[^a-zA-Z0-9_.@}])$path" 2>/dev/null || true)
	[ -z "$found" ] || complain "path of a machine: $found"
done
for word in 'TO''DO' 'FIX''ME' 'X''XX'; do
	found=$(echo "$sources" | grep -v '^tests/lint/' | tr '\n' '\0' | xargs -0 grep -InwE "$word" 2>/dev/null || true)
	[ -z "$found" ] || complain "left open: $found"
done
found=$(echo "$sources" | tr '\n' '\0' | xargs -0 grep -InE '[[:space:]]+$' 2>/dev/null || true)
[ -z "$found" ] || complain "space at the end of a line: $found"
exit $bad
