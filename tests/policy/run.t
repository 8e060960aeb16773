#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/policy/run.t - Broken policies are refused with place and reason; verdict tables hold; TAP out
#
# bad/expected.tsv has for each broken policy: name, line:column ("-": not tied to the text), part
# of the sentence. Each *.cases file is replayed by "agentsh policy test".
set -u

here=$(cd "$(dirname "$0")" && pwd)
agentsh=$(realpath "${AGENTSH:-$here/../../build/agentsh}")
work=$(mktemp -d /var/tmp/agentsh-policy.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home" "$work/ws"
cp -r "$here/bad" "$work/bad"
export HOME=$work/home XDG_STATE_HOME=$work/state
unset XDG_CONFIG_HOME NO_SUCH_VARIABLE ANTHROPIC_BASE_URL
cd "$work/ws" || exit 1

n=0
say() { # STATUS NAME [DETAIL]
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "${3:-}" | sed 's/^/# /'
	fi
}

# ---- broken policies ----

{ printf '// '; head -c 1048576 /dev/zero | tr '\0' x; printf '\n{ "version": 1 }\n'; } >"$work/bad/too-large.json"

while IFS=$'\t' read -r name place sentence; do
	out=$("$agentsh" policy check "$work/bad/$name.json" 2>&1 </dev/null)
	status=$?
	case $name in
	extends-broken) file=unknown-key.json ;;
	*) file=$name.json ;;
	esac
	if [ "$place" = - ]; then want=; else want="$file:$place: "; fi
	if [ "$status" = 125 ] && [ "$(printf '%s\n' "$out" | wc -l)" = 1 ] &&
		case $out in *"$want"*"$sentence"*) true ;; *) false ;; esac; then
		say 0 "refused: $name"
	else
		say 1 "refused: $name" "status $status, wanted 125 and $want...$sentence: $out"
	fi
done <"$here/bad/expected.tsv"

count=$(wc -l <"$here/bad/expected.tsv")
[ "$count" -ge 100 ]
say $? "a hundred broken policies at least: $count"
for f in "$here"/bad/*.json; do
	grep -q "^$(basename "$f" .json)	" "$here/bad/expected.tsv" || say 1 "expected.tsv knows $f"
done

# ---- nothing is started with one ----

"$agentsh" --policy "$work/bad/unknown-key.json" -- touch "$work/ws/started" >"$work/out" 2>&1
status=$?
[ "$status" = 125 ] && [ ! -e "$work/ws/started" ] && grep -q 'unknown key "file"' "$work/out"
say $? "a command is not started under a broken policy" "status $status: $(cat "$work/out")"

# ---- what is right stays right ----

for f in "$here"/../../policy/profiles/*.json; do
	name=$(basename "$f" .json)
	out=$("$agentsh" policy check "$here/../../policy/profiles/$name.json" 2>&1)
	say $? "the file of $name is right, unreachable rules included" "$out"
	out=$("$agentsh" policy check --policy "$name" 2>&1)
	say $? "built-in $name is right" "$out"
	out=$("$agentsh" policy show "$name" | cmp - "$here/../../policy/profiles/$name.json" 2>&1)
	say $? "show $name is its file" "$out"
done

# The rules of the workspace stand in two policies
rules_of() { # PROFILE: from the first rule of the workspace to the last
	sed -n '/"id": "git-hooks-stood"/,/"id": "workspace"/p' "$here/../../policy/profiles/$1.json" | grep '"id"'
}
rules_of developer >"$work/developer.rules"
rules_of strict >"$work/strict.rules"
out=$(diff "$work/developer.rules" "$work/strict.rules") && [ "$(wc -l <"$work/strict.rules")" -ge 16 ]
say $? "strict says of the workspace what developer says" "$out"

out=$("$agentsh" policy check "$here/good/everything.json" 2>&1)
say $? "a policy with every key is right" "$out"
out=$("$agentsh" policy check "$here/good/empty.json" 2>&1)
say $? "a policy of empty lists is right" "$out"

# the home as workspace: rules of the built-in policies cover each other there
out=$("$agentsh" policy check --workspace "$HOME" 2>&1)
say $? "the home can be the workspace" "$out"

# ---- what two policies decide differently ----

out=$("$agentsh" policy diff developer developer 2>&1) && [ -z "$out" ]
say $? "diff: a policy does not differ from itself" "$out"
out=$("$agentsh" policy diff developer readonly 2>&1)
[ $? = 1 ] && printf '%s\n' "$out" | grep -q 'deny \[readonly-work\]'
say $? "diff: the rules that decide differently are named" "$out"
out=$("$agentsh" policy diff developer strict 2>&1)
[ $? = 1 ] && printf '%s\n' "$out" | grep -q '^tracing$' && printf '%s\n' "$out" | grep -q 'allow \[home-config\]' &&
	printf '%s\n' "$out" | grep -q 'deny, hidden \[no-home\]'
say $? "diff: files and settings" "$out"
out=$("$agentsh" policy diff "$here/good/empty.json" 2>&1)
[ $? = 1 ] && printf '%s\n' "$out" | grep -q '^+ developer$'
say $? "diff: the second is what holds here" "$out"
out=$("$agentsh" policy diff developer strict --json 2>&1 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["changes"]) > 9)')
[ "$out" = True ]
say $? "diff: as JSON" "$out"
"$agentsh" policy diff developer nonsense >"$work/out" 2>&1
[ $? = 125 ]
say $? "diff: an unknown policy is no difference" "$(cat "$work/out")"

# ---- system, project and command line are judged too ----

mkdir "$work/ws/.agentsh"
refuse_project() { # NAME TEXT SENTENCE
	printf '%s\n' "$2" >"$work/ws/.agentsh/policy.json"
	out=$("$agentsh" policy check 2>&1)
	status=$?
	[ "$status" = 125 ] && case $out in *"$3"*) true ;; *) false ;; esac
	say $? "a project file may not: $1" "status $status: $out"
}
refuse_project allow '{ "version": 1, "files": [ { "path": "/x", "ops": "read", "decision": "allow" } ] }' 'may only take away'
refuse_project default '{ "version": 1, "files": [ { "path": "/x", "ops": "read", "decision": "default" } ] }' 'may only take away'
refuse_project defaults '{ "version": 1, "defaults": { "files": "allow" } }' 'may only take away'
refuse_project extends '{ "version": 1, "extends": "developer" }' 'may only take away'
refuse_project keep '{ "version": 1, "environment": { "keep": "X" } }' 'may only take away'
refuse_project set '{ "version": 1, "environment": { "set": { "X": "1" } } }' 'may only take away'
refuse_project tracing '{ "version": 1, "tracing": "allow" }' 'may only take away'
refuse_project nested '{ "version": 1, "nested": true }' 'may only take away'
printf '%s\n' '{ "version": 1, "name": "'$'\\u001b''[31m" , "x": 1 }' >"$work/ws/.agentsh/policy.json"
out=$("$agentsh" policy check 2>&1)
[ $? = 125 ] && ! printf '%s' "$out" | LC_ALL=C grep -q '[^ -~]'
say $? "what a project file says reaches the terminal as printable text only" "$out"
rm "$work/ws/.agentsh/policy.json"
mkfifo "$work/ws/.agentsh/policy.json"
out=$(timeout 5 "$agentsh" policy check 2>&1)
[ $? = 125 ]
say $? "a FIFO as project file is refused at once" "$out"
rm "$work/ws/.agentsh/policy.json"
printf '%s\n' '{ "version": 1, "files": [ { "id": "p", "path": "*.secret", "ops": "read", "decision": "deny" } ] }' >"$work/ws/.agentsh/policy.json"
out=$("$agentsh" policy show 2>&1) && printf '%s\n' "$out" | grep -q '^project  p '
say $? "a project file may take away" "$out"
rm -r "$work/ws/.agentsh"

# ---- the schema knows the keys that the reader knows ----

out=$("$agentsh" policy schema | cmp - "$here/../../docs/policy.schema.json" 2>&1)
say $? "schema is docs/policy.schema.json" "$out"
sed -n 's/^\t{ "\([a-z_]*\)", KIND_\([A-Z]*\),.*/\1 \2/p' "$here/../../policy/schema.c" | sort -u >"$work/keys"
while read -r key kind; do
	[ "$kind" = LATER ] || grep -q "\"$key\":" "$here/../../docs/policy.schema.json" || say 1 "the schema knows $key"
done <"$work/keys"
[ "$(wc -l <"$work/keys")" -ge 30 ]
say $? "the keys of the reader were found"

# ---- verdicts ----

for f in "$here"/*.cases; do
	out=$("$agentsh" policy test "$f" 2>&1)
	say $? "$(basename "$f"): $(printf '%s\n' "$out" | tail -n 1 | sed 's/^.*: //')" "$out"
done
printf 'policy developer\nread - /etc/passwd -> deny system\n' >"$work/wrong.cases"
"$agentsh" policy test "$work/wrong.cases" >"$work/out" 2>&1
[ $? = 1 ] && grep -q 'read /etc/passwd is allow system, not deny system' "$work/out"
say $? "a wrong answer is told" "$(cat "$work/out")"

echo "1..$n"
