#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/audit.t - the log, its verification, the words for the agent, why inside and outside
. "$(dirname "$0")/../lib/tap.sh"

as_user mkdir -p "$SCRATCH/home/.ssh"
as_user sh -c 'echo PRIVATE >"$HOME/.ssh/id_test"; echo "# mine" >"$HOME/.bashrc"'
cd "$SCRATCH/ws" || exit 1
err=$SCRATCH/err

caged() {
	as_user timeout 60 "$AGENTSH" --workspace "$SCRATCH/ws" -- "$@"
}
log() {
	as_user "$AGENTSH" log "$@"
}
# sessions: their ids, oldest first
sessions() {
	log list | cut -d ' ' -f 1
}

# ---- words ----

out=$(caged sh -c 'cat ~/.ssh/id_test; cat ~/.ssh/id_test; exit 3' 2>"$err")
is $? 3 "the command's status"
is "$out" "" "the key was not read"
like "$(cat "$err")" '^agentsh: denied: read ~/\.ssh/id_test \[rule ssh-keys\]: .* · agentsh why [0-9]+$' \
	"the line on stderr names operation, path, rule, message and number"
is "$(grep -c 'agentsh: denied' "$err")" 1 "once for a rule, a program and a stderr"
like "$(cat "$err")" 'refused in this session' "the footer for the person"
like "$(cat "$err")" 'read ~/\.ssh/id_test \(2 times\)' "with a count"
id=$(sed -n 's/.*agentsh why \([0-9]*\)$/\1/p' "$err" | head -n 1)

out=$(caged sh -c 'cat ~/.ssh/id_test 2>err.log; cat err.log' 2>/dev/null)
like "$out" 'agentsh: denied: read' "a stderr that is a file in the workspace gets the line too"
like "$out" 'Permission denied' "beside the program's own"
out=$(caged sh -c 'cat ~/.ssh/id_test 2>&1 | cat' 2>/dev/null)
like "$out" 'agentsh: denied: read' "and a pipe"
out=$(caged sh -c 'cat ~/.ssh/id_test 2>/dev/null; cat ~/.ssh/id_test 2>&-; echo done' 2>"$err")
is "$out" "done" "no stderr, no harm"
unlike "$(grep -v refused "$err")" 'agentsh: denied' "and no line elsewhere"
out=$(caged sh -c 'cat ok.txt 2>&1; echo fine >ok.txt; cat ok.txt' 2>"$err")
like "$out" fine "what is allowed is done"
unlike "$out" 'agentsh: denied' "without a word"
unlike "$(cat "$err")" 'refused in this session' "and without a footer"

# ---- why ----

out=$(caged sh -c 'agentsh why --path ~/.ssh/id_test --op read; echo status $?; agentsh why --path x --op write; echo status $?' 2>/dev/null)
like "$out" 'read ~/\.ssh/id_test: deny' "why, inside"
like "$out" 'status 1' "says refused by its status"
like "$out" 'write .*/ws/x: allow' "and allowed"
like "$out" 'status 0' "by its status too"
out=$(caged sh -c 'cat ~/.ssh/id_test 2>why.txt; agentsh why "$(sed -n "s/.*agentsh why //p" why.txt)"' 2>/dev/null)
like "$out" 'read ~/\.ssh/id_test: deny' "why with a number, inside"
out=$(caged agentsh why --json --host 192.0.2.1:80 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["decision"])')
is "$out" deny "why as JSON, inside"
out=$(caged sh -c 'python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5)
s.connect(\"/run/agentsh/query.sock\"); s.send(b\"{\\\"cmd\\\":\\\"approve\\\"}\"); print(s.recv(200))"' 2>/dev/null)
like "$out" 'not a question' "an order is no question"

first=$(sessions | head -n 1)
out=$(as_user "$AGENTSH" why --session "$first" "$id")
is $? 1 "why with a number, outside"
like "$out" 'rule +ssh-keys' "names the rule"
out=$(as_user "$AGENTSH" why --workspace "$SCRATCH/ws" --path "$SCRATCH/home/.bashrc" --op write)
is $? 1 "why for a path, outside"
like "$out" 'deny' "denies"
as_user "$AGENTSH" why --workspace "$SCRATCH/ws" --path "$SCRATCH/ws/x" --op write >/dev/null
is $? 0 "the workspace may be written"
as_user "$AGENTSH" why --path >/dev/null 2>&1
is $? 125 "half a question is none"

# ---- the log ----

caged sh -c 'cat ~/.ssh/id_test; echo x >made; rm made; /bin/true --password=hunter2' >/dev/null 2>&1
out=$(log)
like "$out" 'start: policy developer' "the log begins with the start"
like "$out" 'deny  read ~/\.ssh/id_test \[ssh-keys\] EACCES' "has the refusal"
like "$out" '(run|exec) /.*true \(/bin/true --password=\*\*\*\)' "the program, its secret masked"
like "$out" 'create .*/ws/made' "the change"
like "$out" 'end: exit status 0' "and the end"
is "$(log --denied | wc -l)" 1 "--denied shows refusals alone"
is "$(log --denied --path '*/nothing' | wc -l)" 0 "filters hold"
like "$(log --op delete --program rm)" '/ws/made' "by operation and program"
is "$(log --op delete --program cat | wc -l)" 0 "which both must match"
out=$(log --json | python3 -c '
import json, sys
lines = [json.loads(l) for l in sys.stdin]
want = {"seq", "time", "session", "pid", "inner", "parent", "program", "layer", "op", "object", "decision", "rule",
	"err", "latency_us", "count", "prev", "hash"}
deny = [l for l in lines if l.get("decision") == "deny"][0]
print([l["seq"] for l in lines] == list(range(1, len(lines) + 1)), want - set(deny))')
is "$out" "True set()" "each line is JSON with every field"

out=$(log verify)
is $? 0 "verify"
like "$out" 'intact' "an untouched log is intact"
log verify --all >/dev/null
is $? 0 "all of them are"
log_file=$SCRATCH/state/agentsh/$(sessions | tail -n 1)/audit.jsonl
is "$(stat -c %a "$log_file")" 600 "the log is its owner's alone"
is "$(stat -c %a "$SCRATCH/state/agentsh/key")" 600 "and so is the key"
cp "$log_file" "$SCRATCH/kept"

# tampered EXPRESSION PATTERN DESC: an awk program over the lines
tampered() {
	as_user cp "$log_file" "$SCRATCH/state/before"
	as_user awk "$1" "$SCRATCH/state/before" >"$SCRATCH/after"
	cat "$SCRATCH/after" >"$log_file"
	out=$(log verify)
	is $? 1 "$3 is found"
	like "$out" "$2" "and called what it is"
	cat "$SCRATCH/kept" >"$log_file"
}
tampered '{ sub("ssh-keys", "ssh-kezs") } 1' 'TAMPERED.*was edited' "an edit"
tampered 'NR != 3' 'TAMPERED.*where 3 should stand: records were cut' "a cut"
tampered 'NR == 3 { held = $0; next } { print } NR == 4 { print held }' TAMPERED "a reorder"
tampered '{ print } NR == 3 { print }' 'TAMPERED.*again' "a repetition"
tampered '{ held[NR] = $0 } END { for (i = 1; i < NR; i++) print held[i] }' 'unfinished: not signed' "a lost end"
log verify >/dev/null
is $? 0 "put back as it was, it is intact again"

# ---- out of reach from inside ----

out=$(caged sh -c "cat '$log_file' '$SCRATCH/state/agentsh/key'; echo x >>'$log_file'; ls '$SCRATCH/state'" 2>/dev/null)
unlike "$out" 'seq|ed25519|agentsh' "log and key are out of reach"
out=$(caged agentsh log 2>&1)
unlike "$out" 'start: policy' "and so is agentsh log"

# ---- names that want to be records ----

caged sh -c 'n=$(printf "x\n{\"forged\":\"1\"}\n\033[2Kq"); echo a >"$n"; cat "$HOME/.ssh/$n"; "./$n"; rm "$n"' >/dev/null 2>&1
is "$(log --json | grep -c '^{"forged"')" 0 "no name becomes a record"
like "$(log --json)" 'x\\n\{\\"forged' "though it is there"
unlike "$(log | tr -d '\n')" "$(printf '\033')" "and none reaches the terminal raw"
log verify >/dev/null
is $? 0 "the log is intact"

# ---- following ----

as_user timeout 30 "$AGENTSH" --workspace "$SCRATCH/ws" -- sh -c 'sleep 3; cat ~/.ssh/id_test' >/dev/null 2>&1 &
sleep 1
out=$(as_user timeout 20 "$AGENTSH" log -f --denied)
is $? 0 "following ends with the session"
like "$out" 'deny  read' "and has seen what came later"
wait

# ---- a full disk: nothing that is not recorded is done ----

# The state directory is a file system of its own, so small that it fills up
on_small_disk() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups "$@"
		how=--mount
	else
		how="--mount --user --map-current-user --keep-caps"
	fi
	# shellcheck disable=SC2086,SC2016
	unshare $how sh -c 'mount -t tmpfs -o size=160k,mode=777 small "$0" && exec "$@"' "$SCRATCH/state" \
		env HOME="$SCRATCH/home" XDG_STATE_HOME="$SCRATCH/state" "$@"
}
cat >"$SCRATCH/fill" <<'EOF'
i=0
while [ $i -lt 1000 ]; do
	/bin/true || { echo "refused after $i"; break; }
	i=$((i + 1))
done
echo x >never || echo not written
EOF
out=$(on_small_disk timeout 60 "$AGENTSH" --workspace "$SCRATCH/ws" -- sh -c "$(cat "$SCRATCH/fill")" 2>"$err")
like "$out" '^refused after [1-9][0-9]+$' "a program whose start cannot be recorded does not run"
like "$out" 'not written' "nor is anything changed"
not_ok "truly not" test -e "$SCRATCH/ws/never"
like "$(cat "$err")" 'it could not be recorded \(No space left on device\)' "the agent is told"
like "$(cat "$err")" 'the log could not be written' "and the person"
done_testing
