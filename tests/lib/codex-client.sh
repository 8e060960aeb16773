#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/codex-client.sh - prints the path of the codex client, fetched once into a cache
#
# npm knows its registry.
set -eu
if [ -n "${CODEX-}" ]; then
	echo "$CODEX"
	exit 0
fi
dir=/var/tmp/agentsh-test-cache/codex
bin=$dir/node_modules/.bin/codex
command -v npm >/dev/null || { echo "npm is not installed" >&2; exit 1; }
works() { (cd / && env HOME="$dir" timeout 60 "$bin" --version) >/dev/null 2>&1; }
if ! works; then
	mkdir -p "$dir"
	timeout 300 npm install --no-fund --no-audit --prefix "$dir" @openai/codex >"$dir/npm.log" 2>&1 ||
		{ echo "npm cannot fetch the client" >&2; exit 1; }
	works || { echo "the client does not start" >&2; exit 1; }
fi
echo "$bin"
