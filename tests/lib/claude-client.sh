#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/lib/claude-client.sh - prints the path of the claude client, fetched once into a cache
#
# npm knows its registry. Its install script may be forbidden by npm's settings: it is run by hand then.
set -eu
if [ -n "${CLAUDE-}" ]; then
	echo "$CLAUDE"
	exit 0
fi
dir=/var/tmp/agentsh-test-cache/client
bin=$dir/node_modules/.bin/claude
command -v npm >/dev/null || { echo "npm is not installed" >&2; exit 1; }
works() { (cd / && env HOME="$dir" timeout 60 "$bin" --version) >/dev/null 2>&1; }
if ! works; then
	mkdir -p "$dir"
	timeout 300 npm install --no-fund --no-audit --prefix "$dir" @anthropic-ai/claude-code >"$dir/npm.log" 2>&1 ||
		{ echo "npm cannot fetch the client" >&2; exit 1; }
	works || (cd "$dir/node_modules/@anthropic-ai/claude-code" && timeout 300 node install.cjs) >>"$dir/npm.log" 2>&1 || true
	works || { echo "the client does not start" >&2; exit 1; }
fi
echo "$bin"
