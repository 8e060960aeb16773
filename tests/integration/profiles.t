#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Seconds: 300
#
# tests/integration/profiles.t - Each built-in policy lets ordinary jobs work, or refuses them, exactly as it says
#
# One session for each policy and user runs all jobs; the table says which of them work.
. "$(dirname "$0")/../lib/tap.sh"

# Root in a cage has no right over other people's folders
chmod 755 "$SCRATCH"

PROFILES="developer claude codex strict readonly offline observe"

# job             what works: one letter for each policy above, y or n
table() {
	cat <<'T'
true              yyyyyyy
git-status        yyyyyyy
git-commit        yyyynyy
git-hook          nnnnnny
git-config        nnnnnny
python            yyyyyyy
python-writes     yyyynyy
node              yyyyyyy
make              yyyynyy
cc-in-tmp         yyyyyyy
env-file          nnnnnny
envrc             nnnnnny
read-outside      yyynyyy
write-outside     nnnnnny
home-is-there     yyyyyyy
home-unnamed      nnnnnny
home-key          nnnnnny
home-gitconfig    yyynyyy
home-bashrc       nnnnnny
home-cache        yyynnyy
own-agentsh       nnnnnnn
own-listener      yyynyyy
host-listener     nnnnnny
trace             yyynyyy
variable          yyynyyy
token             nnnnnny
T
}

cat >"$SCRATCH/jobs.sh" <<'J'
out=$1
port=$2
job() { # NAME COMMAND
	if (eval "$2") >"/tmp/$1.out" 2>&1 </dev/null; then echo "$1 y"; else echo "$1 n"; sed "s/^/# $1: /" "/tmp/$1.out" | tail -n 3; fi
}
job true 'true'
job git-status 'git status --porcelain && git log --oneline | grep -q one'
job git-commit 'echo more >>a && git commit -qam two && git log --oneline | grep -q two'
job git-hook 'echo "#!/bin/sh" >.git/hooks/pre-commit'
job git-config 'git config user.nick x'
job python '[ "$(python3 -c "print(6*7)")" = 42 ]'
job python-writes 'python3 -c "open(\"p.txt\", \"w\").write(\"x\")" && [ "$(cat p.txt)" = x ]'
job node '[ "$(node -e "console.log(6*7)")" = 42 ]'
job make 'make -s && ./prog'
job cc-in-tmp 'echo "int main(void) { return 0; }" >/tmp/t.c && cc -o /tmp/t /tmp/t.c && /tmp/t'
job env-file 'cat .env'
job envrc 'echo x >.envrc'
job read-outside 'cat "$out/file"'
job write-outside 'echo x >>"$out/file"'
job home-is-there 'cd && [ "$(pwd -P)" = "$(readlink -f "$HOME")" ]'
job home-unnamed 'cat ~/notes.txt'
job home-key 'cat ~/.ssh/id_rsa'
job home-gitconfig 'cat ~/.gitconfig'
job home-bashrc 'echo x >>~/.bashrc'
job home-cache 'mkdir -p ~/.cache/x && echo x >~/.cache/x/y'
job own-agentsh 'mkdir -p ~/.config/agentsh && echo "{ \"version\": 1 }" >~/.config/agentsh/policy.json'
job own-listener 'python3 -c "
import socket
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()
socket.create_connection(s.getsockname())"'
job host-listener 'python3 -c "import socket, sys; socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))" "$port"'
job trace 'python3 -c "
import ctypes, os, signal, sys, time
pid = os.fork() or time.sleep(20)
r = ctypes.CDLL(None).ptrace(0x4206, pid, None, None)	# PTRACE_SEIZE
os.kill(pid, signal.SIGKILL)
sys.exit(r != 0)"'
job variable '[ "$SOME_VARIABLE" = x ]'
job token '[ "$SOME_TOKEN" = x ]'
J

# A home, a repository and a folder beside them, of whoever is to be caged
world() { # DIR
	mkdir -p "$1/home/.ssh" "$1/ws" "$1/outside" "$1/state"
	echo notes >"$1/home/notes.txt"
	echo key >"$1/home/.ssh/id_rsa"
	echo : >"$1/home/.bashrc"
	printf '[user]\n\tname = Test\n\temail = test@example.org\n' >"$1/home/.gitconfig"
	chmod 644 "$1/home/.gitconfig"
	echo file >"$1/outside/file"
	(
		cd "$1/ws" || exit 1
		git init -q .
		echo a >a
		echo S=1 >.env
		echo 'int main(void) { return 0; }' >main.c
		printf 'prog: main.c\n\tcc -o prog main.c\n' >Makefile
		git add a
		HOME="$1/home" git commit -qm one
	)
}

python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)' "$SCRATCH/port" &
listener=$!
trap 'kill $listener 2>/dev/null; rm -rf "$SCRATCH"' EXIT
for _ in $(seq 100); do [ -s "$SCRATCH/port" ] && break; sleep 0.05; done
port=$(cat "$SCRATCH/port")

# All jobs under one policy; COLUMN of the table is what must come of them
one() { # USER COLUMN PROFILE
	dir=$SCRATCH/$1-$3
	world "$dir"
	set -- "$1" "$2" "$3" env HOME="$dir/home" XDG_STATE_HOME="$dir/state" SOME_VARIABLE=x SOME_TOKEN=x \
		GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.org \
		"$AGENTSH" --quiet --policy "$3" -- sh -s "$dir/outside" "$port"
	user=$1 column=$2 profile=$3
	shift 3
	if [ "$user" != "$(id -un)" ]; then
		chown -R "$user:" "$dir"
		set -- setpriv --reuid "$user" --regid "$user" --init-groups "$@"
	fi
	got=$(cd "$dir/ws" && "$@" <"$SCRATCH/jobs.sh" 2>&1)
	table | while read -r job works; do
		echo "$job $(printf %s "$works" | cut -c"$column")"
	done >"$SCRATCH/want"
	printf '%s\n' "$got" | grep -v '^#' >"$SCRATCH/got"
	if difference=$(diff "$SCRATCH/want" "$SCRATCH/got"); then
		tap_result 0 "$profile as $user: $(wc -l <"$SCRATCH/want") jobs"
	else
		tap_result 1 "$profile as $user"
		tap_note "$difference"
		tap_note "$got"
	fi
	if [ "$profile" = observe ]; then
		for what in "\"(write|create)\".*/outside/file\"" "\"read\".*/.ssh/id_rsa\"" '"connect".*"127\.0\.0\.1:' \
			'"run".*"/usr/bin/git"' '"create".*hooks/pre-commit"'; do
			ok "observe as $user: recorded is $what" sh -c 'cat "$1"/state/agentsh/*/audit.jsonl | grep -Eq -- "$2"' _ "$dir" "$what"
		done
	fi
	[ "$profile" = observe ] || is "$(cat "$dir/outside/file")" file "$profile as $user: the file outside is as it was"
	is "$(cat "$dir/home/.ssh/id_rsa")" key "$profile as $user: and the key"
	rm -rf "$dir"
}

users=$TEST_USER
[ "$(id -u)" != 0 ] || users="$TEST_USER root"
for user in $users; do
	column=0
	for profile in $PROFILES; do
		column=$((column + 1))
		one "$user" "$column" "$profile"
	done
done

# ---- all that stand in policy/profiles are in the table above, and in what is told of them ----

for f in "$ROOT"/policy/profiles/*.json; do
	name=$(basename "$f" .json)
	like " $PROFILES " " $name " "$name is tried here"
	ok "$name is told of by --help" sh -c '"$1" --help | grep -qw -- "$2"' _ "$AGENTSH" "$name"
	ok "and in the manual" grep -qw -- "$name" "$ROOT/docs/man/agentsh-policy.5"
	ok "and in the README" grep -q -- "\`$name\`" "$ROOT/README.md"
done
done_testing
