#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Seconds: 300
#
# tests/integration/layers.t - System, user and project files: a hostile one takes away, or nothing starts
. "$(dirname "$0")/../lib/tap.sh"
chmod 755 "$SCRATCH"
cd "$SCRATCH/ws" || exit 1
project=$SCRATCH/ws/.agentsh/policy.json
mine=$SCRATCH/home/.config/agentsh/policy.json

caged() {
	as_user timeout 60 "$AGENTSH" --quiet "$@" 2>&1
}

fresh() {
	rm -rf "${SCRATCH:?}/ws" "${SCRATCH:?}/home"
	mkdir -p "$SCRATCH/ws/.agentsh" "$SCRATCH/home/.config/agentsh" "$SCRATCH/outside"
	echo outside >"$SCRATCH/outside/file"
	echo data >"$SCRATCH/ws/a.txt"
	owned
}
owned() {
	[ "$(id -u)" != 0 ] || chown -R "$TEST_USER:" "$SCRATCH/ws" "$SCRATCH/home" "$SCRATCH/outside"
	cd "$SCRATCH/ws" || exit 1
}

# Nothing starts, soon, and one sentence says why
refused() { # DESC SENTENCE
	begin=$(date +%s)
	out=$(caged -- touch "$SCRATCH/ws/started")
	status=$?
	took=$(($(date +%s) - begin))
	is "$status $(test -e "$SCRATCH/ws/started" && echo started)" "125 " "$1: nothing starts"
	like "$out" "$2" "$1: the sentence"
	[ "$took" -le 30 ] || is "$took s" "soon" "$1: it is soon"
	rm -f "$SCRATCH/ws/started"
}
starts() { # DESC
	is "$(caged -- cat a.txt)" data "$1"
}
say() { # TEXT: the project's file
	printf '%s\n' "$1" >"$project"
	owned
}
rule() {
	say "{ \"version\": 1, \"files\": [ { $1 } ] }"
}

# ---- what a repository cannot give itself ----

fresh
starts "without any file"
for key in '"extends": "observe"' '"defaults": { "files": "allow" }' '"tracing": "allow"' '"nested": true' \
	'"package_manager": true' '"environment": { "keep": "*" }' '"environment": { "set": { "LD_PRELOAD": "/x.so" } }' \
	'"environment": { "keep": "${COMMAND:x}" }'; do
	say "{ \"version\": 1, $key }"
	refused "$key" 'policy.json:1:[0-9]+: .*may only take away'
done
for decision in allow default; do
	rule "\"path\": \"/**\", \"ops\": \"all\", \"decision\": \"$decision\""
	refused "decision $decision" 'may only take away'
done
rule '"path": "/x", "ops": "read", "decision": "ask"'
refused "a question" 'not supported yet'
say '{ "version": 1, "limits": { "processes": 4000000, "open_files": 4000000 } }'
like "$(caged -- sh -c 'ulimit -n')" "^$(as_user sh -c 'ulimit -n')\$" "limits are not raised"

# ---- what it may ----

rule '"id": "no", "path": "a.txt", "ops": "read", "decision": "deny", "message": "No."'
like "$(caged -- cat a.txt)" 'denied.*\[rule no\]' "it may take away"
rule '"id": "no", "path": "a.txt", "ops": "read", "decision": "deny", "by": "tail"'
like "$(caged -- sh -c 'cat a.txt; tail a.txt || echo refused' | tr '\n' ' ')" 'data.*refused' "and from one program"
rule '"id": "secrets", "path": "a.txt", "ops": "read", "decision": "deny"'
like "$(caged -- cat a.txt)" '\[rule project:secrets\]' "not in the name of a built-in rule"
rule '"id": "agentsh-state", "path": "a.txt", "ops": "read", "decision": "deny"'
like "$(caged -- cat a.txt)" '\[rule project:agentsh-state\]' "nor of agentsh"
rule '"id": "own-listener", "path": "a.txt", "ops": "read", "decision": "deny"'
like "$(caged -- cat a.txt)" '\[rule project:own-listener\]' "nor of the doorman"
rule '"id": "default", "path": "a.txt", "ops": "read", "decision": "deny"'
refused "the id default" 'no id'
say '{ "version": 1, "environment": { "remove": ["SOME", "PATH_*"] } }'
is "$(as_user env SOME=x OTHER=y "$AGENTSH" --quiet -- sh -c 'echo "$SOME$OTHER"')" y "variables go"

# ---- the root of the workspace itself ----

rule '"path": ["${WORKSPACE}", "${WORKSPACE}/**"], "ops": "all", "decision": "deny", "hide": true'
out=$(caged -- sh -c 'cat a.txt; echo x >b.txt; echo end')
unlike "$out" 'data' "a workspace that is hidden shows nothing"
ok "and is not written" test ! -e b.txt
rule '"path": ["/", "/**"], "ops": "all", "decision": "deny"'
out=$(caged -- cat a.txt)
unlike "$out" 'data' "a system that is refused as a whole shows nothing"

# ---- messages ----

for text in '\u001b[31mred' '\u000ab' '\u009b31mred' '\u202etxt' '\u2028x' '\ufeffx' '\u200bx'; do
	rule "\"path\": \"a.txt\", \"ops\": \"read\", \"decision\": \"deny\", \"message\": \"$text\""
	refused "the message ${text#?}" 'one line without control characters'
done
rule '"path": "a.txt", "ops": "read", "decision": "deny", "message": "Nein: größer als 3 €."'
like "$(caged -- cat a.txt)" 'größer als 3 €' "other letters than ASCII are heard"

# ---- redirects ----

redirect() { # TO [FROM]
	rule "\"id\": \"to\", \"path\": \"${2:-\${WORKSPACE\}/out.txt}\", \"ops\": [\"read\", \"write\", \"truncate\", \"create\"], \"decision\": \"redirect\", \"to\": \"$1\""
}
W='${WORKSPACE}'
redirect "$SCRATCH/home/.bashrc"
refused "a redirect to a start-up file" 'workspace or the session'
redirect "$SCRATCH/outside/other"
refused "a redirect to the outside" 'workspace or the session'
redirect "${W}x/y"
refused "a redirect beside the workspace" 'workspace or the session'
redirect "$W/../home/.bashrc"
refused "a redirect with dots" 'no place'
redirect "$W/.git/hooks/pre-commit"
refused "a redirect to a hook" 'rule git-hooks'
redirect "$W/.envrc"
refused "a redirect to a name that runs later" 'rule later-root'
redirect "$W/.agentsh/policy.json"
refused "a redirect to itself" "agentsh's own"
for name in audit.jsonl key query.sock tmp/x run/x ../x .x; do
	redirect "\${SESSION}/$name"
	refused "a redirect to the session's $name" "agentsh's own|no place|session's folder"
done
redirect "$SCRATCH/home/.local/state/agentsh/key"
refused "a redirect to the key" "agentsh's own|session's folder"
redirect "$W/x" "$SCRATCH/outside/file"
refused "a redirect from the outside" 'single files of the workspace'
redirect "$W/x" "$SCRATCH/home/.claude/.credentials.json"
refused "a redirect of credentials into the work tree" 'single files of the workspace'
redirect "$W/x" "$W/*.txt"
refused "a redirect of many" 'single files of the workspace'
redirect "$W/x" "$W/.git/config"
refused "a redirect of git's configuration" 'rule git-config protects'
redirect "$W/x" "$W/.env"
refused "a redirect of secrets" 'rule secrets protects'
ln -s "$SCRATCH/outside/file" leads-out
redirect "$W/x" "$W/leads-out"
refused "a redirect of what a link leads to" 'single files of the workspace'
say '{ "version": 1, "commands": [ { "run": "git", "decision": "redirect", "to": ["./evil"] } ] }'
refused "a redirect of a command" 'unasked|absolute path'
say '{ "version": 1, "commands": [ { "run": "git", "decision": "redirect", "to": ["/bin/sh", "-c", "x"] } ] }'
refused "a redirect of a command to a shell" 'would run unasked'
redirect "$W/taken"
is "$(caged -- sh -c 'echo new >out.txt; cat out.txt')" new "a redirect within the workspace"
is "$(cat taken)$(test -e out.txt && echo out)" new "is one"

# ---- the file itself ----

weird() { # DESC SENTENCE
	owned
	refused "a project file that is $1" "$2"
	rm -rf "$SCRATCH/ws/.agentsh"
	mkdir "$SCRATCH/ws/.agentsh"
}
echo secret-of-mine >"$SCRATCH/outside/secret"
rm "$project"; ln -s "$SCRATCH/outside/secret" "$project"
weird "a link to a secret" 'symbolic link'
unlike "$out" 'secret-of' "and tells nothing of it"
ln -s /dev/zero "$project"
weird "a link to /dev/zero" 'symbolic link'
ln -s nowhere "$project"
weird "a link to nowhere" 'symbolic link'
mkfifo "$project"
weird "a FIFO" 'not a regular file'
mkdir "$project"
weird "a folder" 'not a regular file'
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$project"
weird "a socket" 'cannot be read|not a regular file'
rm -r .agentsh; mkdir there; echo '{ "version": 1 }' >there/policy.json; ln -s there .agentsh
weird "in a folder that is a link" 'symbolic link'
head -c 3000000 /dev/zero | tr '\0' ' ' >"$project"
weird "3 MB long" 'larger than'
printf '\357\273\277{ "version": 1 }' >"$project"
weird "begun with a byte order mark" ':1:1:'
printf '{ "version": 1, "name": "a\0b" }' >"$project"
weird "broken by a NUL" 'NUL'
printf '{ "version": 1, "name": "\377" }' >"$project"
weird "no UTF-8" 'UTF-8'
printf '{ "version": 1, "version": 1 }' >"$project"
weird "twofold" 'twice'
printf '{ "version": 1, "files": %s' "$(head -c 100000 /dev/zero | tr '\0' '[')" >"$project"
weird "deep" 'nested more than'
if [ "$(id -u)" = 0 ]; then
	printf '{ "version": 1, "files": [ { "path": "a.txt", "ops": "read", "decision": "deny" } ] }' >"$project"
	owned
	chown nobody: "$project"
	chmod 644 "$project"
	like "$(caged -- cat a.txt)" 'denied' "a project file of somebody else's takes away as well"
	chmod 600 "$project"
	refused "a project file that may not be read" 'policy.json: cannot be read'
	ln -sf /etc/shadow "$project"
	out=$(timeout 60 "$AGENTSH" --quiet -- true 2>&1)
	is "$?" 125 "root is not led to /etc/shadow"
	unlike "$out" '\$|:\*:|root:' "and it is not shown"
	rm "$project"
else
	echo '{ "version": 1 }' >"$project"
	chmod 000 "$project"
	refused "a project file that may not be read" 'policy.json: cannot be read'
	rm -f "$project"
fi

# ---- time and memory ----

costs() { # DESC PYTHON-EXPRESSION: of a policy text
	python3 -c "import string; open('$project', 'w').write($2)"
	owned
	# shellcheck disable=SC2016 # python's
	got=$(HOME="$SCRATCH/home" python3 -c '
import os, sys
pid = os.fork()
if pid == 0:
    os.dup2(os.open("/dev/null", os.O_RDWR), 2); os.dup2(2, 1); os.execv(sys.argv[1], [sys.argv[1], "policy", "check"])
_, status, use = os.wait4(pid, 0)
cpu = use.ru_utime + use.ru_stime; mib = use.ru_maxrss / 1024
bound = 1 if os.environ.get("MODE", "release") in ("release", "teeth") else 10
print("bounded" if cpu < 2 * bound and mib < 256 * bound else "%.1f s, %.0f MiB" % (cpu, mib))' "$AGENTSH")
	is "$got" bounded "two seconds and 256 MiB are enough for $1"
}
R='{"version":1,"files":['
costs "patterns that multiply" "'${R}{\"path\":\"*a' + '?' * 30 + '\",\"ops\":\"read\",\"decision\":\"deny\"}]}'"
costs "60,000 patterns" "'${R}{\"path\":[' + ','.join('\"*/%d/*%d\"' % (i % 977, i) for i in range(50000)) + '],\"ops\":\"read\",\"decision\":\"deny\"}]}'"
costs "many stars" "'${R}{\"path\":\"**/' + '*a*b' * 400 + '\",\"ops\":\"read\",\"decision\":\"deny\"}]}'"
costs "14,000 rules" "'$R' + ','.join('{\"path\":\"/x%d/y\",\"ops\":\"read\",\"decision\":\"deny\"}' % i for i in range(14000)) + ']}'"
costs "braces in braces" "'${R}{\"path\":\"' + '{a,b,c,d,e,f,g,h}' * 8 + '\",\"ops\":\"read\",\"decision\":\"deny\"}]}'"
costs "folders all over the system" "'$R' + ','.join('{\"path\":\"/usr/share/%05d/*x\",\"ops\":\"read\",\"decision\":\"deny\"}' % i for i in range(12000)) + ']}'"
costs "15,000 names of programs" "'{\"version\":1,\"commands\":[' + ','.join('{\"run\":\"*a%d\",\"decision\":\"deny\"}' % i for i in range(15000)) + ']}'"
costs "addresses times ports" "'{\"version\":1,\"network\":[{\"cidr\":[' + ','.join('\"10.1.%d.%d/32\"' % (i >> 8, i & 255) for i in range(2000)) + '],\"port\":[' + ','.join('\"%d\"' % i for i in range(2000)) + '],\"decision\":\"deny\"}]}'"
costs "15,000 rules of addresses" "'{\"version\":1,\"network\":[' + ','.join('{\"cidr\":\"10.1.%d.%d/32\",\"decision\":\"deny\"}' % (i >> 8, i & 255) for i in range(15000)) + ']}'"
costs "arguments that multiply" "'{\"version\":1,\"commands\":[{\"run\":\"git\",\"args\":[' + ','.join('\"*a' + '?' * i + '\"' for i in range(1, 20)) + '],\"decision\":\"deny\"}]}'"

# ---- from inside, and while a session runs ----

fresh
rmdir .agentsh
got=$(caged -- sh -c '
mkdir .agentsh && echo made
mkdir elsewhere && mv elsewhere .agentsh && echo moved
ln -s elsewhere .agentsh && echo linked
mkdir -p sub/.agentsh && echo { >sub/.agentsh/policy.json && echo deeper' | grep -v '^mkdir\|^mv\|^ln\|^agentsh' | tr '\n' ' ')
is "$got" 'deeper ' "no project file is made inside; a deeper one is nobody's policy"
ok "and none is there" test ! -e .agentsh
fresh
rule '"id": "no", "path": "a.txt", "ops": "read", "decision": "deny"'
cp "$project" "$SCRATCH/before"
got=$(caged -- sh -c '
(echo "{}" >.agentsh/policy.json) && echo written
rm .agentsh/policy.json && echo removed
mv .agentsh other && echo moved
touch .agentsh/more && echo added
ln .agentsh/policy.json alias && echo linked
(echo x >.agentsh/policy.json.new) && echo beside
cat .agentsh/policy.json >/dev/null && echo read
echo y >other.txt && echo twin' | grep -v '^rm\|^mv\|^touch\|^ln\|^sh\|^agentsh\|^cat' | tr '\n' ' ')
is "$got" 'read twin ' "what is in force is read, not changed"
ok "it is as it was" cmp "$project" "$SCRATCH/before"

mkfifo "$SCRATCH/go" "$SCRATCH/come"
owned
caged -- sh -c "echo inside; read -r x; cat a.txt && echo READ" <"$SCRATCH/go" >"$SCRATCH/come" &
exec 3>"$SCRATCH/go" 4<"$SCRATCH/come"
read -r line <&4
rm "$project"
echo go >&3
exec 3>&-
got=$(cat <&4)
exec 4<&-
wait
is "$line" inside "a session runs under a project file"
like "$got" 'denied' "and goes on so when the file goes"
starts "the next one has none"

# ---- the user's own ----

fresh
own() {
	printf '%s\n' '{ "version": 1, "extends": "developer", "files": [ { "id": "mine", "path": "a.txt", "ops": "read", "decision": "deny" } ] }' >"$mine"
	owned
}
own
like "$(caged -- cat a.txt)" '\[rule mine\]' "the user's file is the base"
chmod o+w "$mine"
refused "a user's file that everybody can write" 'by everybody'
chmod o-w "$mine"
[ "$(id -u)" = 0 ] && chown root: "$mine"
chmod 000 "$mine"
[ "$(id -u)" = 0 ] && chmod 600 "$mine"
refused "a user's file that cannot be read" 'policy.json: cannot be read'
rm -f "$mine"
ln -s nowhere "$mine"
refused "a user's file that leads nowhere" 'policy.json: cannot be read'
rm "$mine"
own
chmod 000 "$SCRATCH/home/.config"
refused "a user's file behind a closed door" 'policy.json: cannot be read'
chmod 755 "$SCRATCH/home/.config"
if [ "$(id -u)" = 0 ]; then
	chown nobody: "$mine"
	chmod 644 "$mine"
	refused "a user's file of somebody else's" 'belongs to another user'
fi
rm -f "$mine"
mv "$SCRATCH/home/.config/agentsh" "$SCRATCH/home/.config/real"
ln -s real "$SCRATCH/home/.config/agentsh"
mine=$SCRATCH/home/.config/real/policy.json
own
like "$(caged -- cat a.txt)" '\[rule mine\]' "a user's file may lie behind links of his own"
like "$(caged --allow-read "$SCRATCH/outside" -- sh -c "echo { >$mine; cat $mine" 2>&1)" 'denied' "and is out of reach where they lead"
mine=$SCRATCH/home/.config/agentsh/policy.json

# ---- links of a dotfile manager, and none that a session planted ----

fresh
mkdir -p "$SCRATCH/home/dotfiles" "$SCRATCH/home/.cache" "$SCRATCH/home/.local/share" "$SCRATCH/home/private"
printf '[user]\n\tname = Linked\n' >"$SCRATCH/home/dotfiles/gitconfig"
echo private >"$SCRATCH/home/private/notes"
ln -s dotfiles/gitconfig "$SCRATCH/home/.gitconfig"
owned
is "$(caged -- git config user.name)" Linked "a readable link of the home leads where it leads"
like "$(caged -- sh -c 'echo x >>~/dotfiles/gitconfig; echo x >>~/.gitconfig; cat ~/private/notes; ls ~/dotfiles')" 'denied|No such' \
	"what is there is not changed, and nothing else is shown"
ok "it is as it was" grep -q Linked "$SCRATCH/home/dotfiles/gitconfig"
caged -- sh -c 'for at in .vimrc .bashrc .inputrc .config/git .config/htop .local/share/uv .local/bin .nvm .cache/x; do
	ln -s "$HOME/private/notes" ~/$at; ln -sfn "$HOME/private" ~/$at; done; mv ~/.local ~/.local.old; mv ~/.config ~/.config.old' >/dev/null
like "$(ls -A "$SCRATCH/home/.cache")" x "a session can make links where it may write"
out=$(caged -- sh -c 'for at in .vimrc .bashrc .inputrc .config/git .config/htop .local/share/uv .local/bin .nvm .cache/x; do
	cat ~/$at ~/$at/notes; done; cat ~/private/notes')
unlike "$out" '^private' "none of those a session tried to plant lets the next one read"

# where one session may make links, the next does not believe them because it may change less
caged -- sh -c 'ln -s private ~/.ccache; echo made >~/.ccache-made' >/dev/null
is "$(readlink "$SCRATCH/home/.ccache")" private "a session can make a link where a cache may be"
unlike "$(caged --policy readonly -- sh -c 'cat ~/.ccache/notes ~/private/notes')" '^private' "readonly does not follow it"
like "$(caged --policy readonly -- git config user.name)" Linked "but what no session can have made"
rule '"path": "~/.ccache", "ops": "modify", "decision": "deny"'
unlike "$(caged -- sh -c 'cat ~/.ccache/notes ~/private/notes')" '^private' "nor does a project's refusal make it one to be followed"

# ---- the system's: in a mount namespace of our own, so that nobody else's session has it ----

if [ "$(id -u)" = 0 ]; then
	fresh
	made=
	[ -d /etc/agentsh ] || { mkdir /etc/agentsh && made=1; }
	system() { # TEXT COMMAND...: under that system file
		text=$1
		shift
		TEXT="$text" unshare -m --propagation private sh -c 'mount -t tmpfs -o mode=755 none /etc/agentsh &&
			{ [ "$TEXT" = - ] || printf "%s\n" "$TEXT" >/etc/agentsh/policy.json; } &&
			{ [ -z "$PREPARE" ] || eval "$PREPARE"; } && exec "$@"' _ "$@" 2>&1
	}
	PREPARE=
	export PREPARE
	in_system() { # TEXT ARGUMENT...: of agentsh
		text=$1
		shift
		system "$text" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups env HOME="$SCRATCH/home" \
			XDG_STATE_HOME="$SCRATCH/state" timeout 60 "$AGENTSH" --quiet "$@"
	}
	is "$(in_system - -- cat a.txt)" data "a system folder without a file"
	deny="{ \"version\": 1, \"files\": [ { \"id\": \"sys\", \"path\": \"$SCRATCH/outside/**\", \"ops\": \"modify\", \"decision\": \"deny\" } ] }"
	is "$(in_system - --allow-write "$SCRATCH/outside" -- sh -c "echo granted >$SCRATCH/outside/file; cat $SCRATCH/outside/file")" granted \
		"a grant of the command line opens a folder"
	out=$(in_system "$deny" --allow-write "$SCRATCH/outside" -- sh -c "echo worse >$SCRATCH/outside/file; cat $SCRATCH/outside/file")
	like "$out" '\[rule sys\]' "not against the system's rule"
	is "$(cat "$SCRATCH/outside/file")" granted "and nothing is written"
	out=$(in_system '{ "version": 1, "files": [ ' -- touch started)
	is "$?" 125 "a broken system file: nothing starts"
	like "$out" '^agentsh: /etc/agentsh/policy.json:[0-9]+:[0-9]+: ' "it is named"
	out=$(in_system '{ "version": 1, "defaults": { "files": "allow" } }' -- touch started)
	like "$?$out" '^125agentsh: /etc/agentsh/policy.json:.*may only take away' "nor can the system's file give"
	out=$(PREPARE='chmod 600 /etc/agentsh/policy.json' in_system '{ "version": 1 }' -- touch started)
	like "$?$out" '^125agentsh: /etc/agentsh/policy.json: cannot be read' "nothing starts under one that cannot be read"
	out=$(PREPARE='chmod 700 /etc/agentsh' in_system '{ "version": 1 }' -- touch started)
	like "$?$out" '^125agentsh: /etc/agentsh/policy.json: cannot be read' "nor behind a closed door"
	out=$(PREPARE='ln -s nowhere /etc/agentsh/policy.json' in_system - -- touch started)
	like "$?$out" '^125agentsh: /etc/agentsh/policy.json: cannot be read' "nor under a link to nowhere"
	ok "nothing was started" test ! -e started
	to() {
		echo "{ \"version\": 1, \"files\": [ { \"id\": \"$1\", \"path\": \"/etc/hosts\", \"ops\": \"write\", \"decision\": \"redirect\", \"to\": \"$2\" } ] }"
	}
	to mine "$SCRATCH/home/hosts" | sed 's/"version": 1,/"version": 1, "extends": "developer",/' >"$mine"
	owned
	like "$(as_user "$AGENTSH" why --path /etc/hosts --op write 2>&1)" "instead +(~|$SCRATCH/home)/hosts" "the user's redirect holds"
	like "$(system "$(to sys /srv/hosts)" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups \
		env HOME="$SCRATCH/home" "$AGENTSH" why --path /etc/hosts --op write)" 'instead +/srv/hosts' "the system's wins"
	rm "$mine"
	out=$(in_system '{ "version": 1, "commands": [ { "id": "cmd", "run": "tail", "decision": "deny" } ], "tracing": "refuse", "limits": { "open_files": 99 } }' \
		-- sh -c 'tail a.txt; ulimit -n')
	like "$out" '\[rule cmd\]' "programs are the system's to refuse as well"
	like "$out" '^99$' "and limits to set"
	out=$(in_system '{ "version": 1 }' -- sh -c 'echo { >/etc/agentsh/policy.json; cat /etc/agentsh/policy.json')
	like "$out" 'version' "it can be read inside, and not be changed"
	[ -z "$made" ] || rmdir /etc/agentsh
fi
done_testing
