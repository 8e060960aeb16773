#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/view.t - The static cage from inside: the view, /proc, /dev, namespaces, descriptors
. "$(dirname "$0")/../lib/tap.sh"
cd "$SCRATCH/ws" || exit 1

caged() {
	as_user "$AGENTSH" --quiet -- "$@"
}
sh_caged() {
	caged sh -c "$1" 2>&1
}

# ---- the tree ----
is "$(sh_caged 'ls -A /tmp | wc -l')" 0 "/tmp is private and empty"
mark=/tmp/agentsh-view.$$
like "$(sh_caged "echo x > $mark && cat $mark")" '^x$' "and can be written"
not_ok "which the host does not see" test -e "$mark"
like "$(sh_caged 'echo x > /dev/shm/x && cat /dev/shm/x')" '^x$' "/dev/shm likewise"
like "$(as_user env XDG_RUNTIME_DIR="/run/user/$(id -u "$TEST_USER")" "$AGENTSH" --quiet -- sh -c 'stat -c %a:%u "$XDG_RUNTIME_DIR" && echo x > "$XDG_RUNTIME_DIR/x" && cat "$XDG_RUNTIME_DIR/x"' 2>&1 | tr "\n" " ")" \
	"^700:$(id -u "$TEST_USER") x" "XDG_RUNTIME_DIR is one's own"
like "$(sh_caged 'mkdir /new || mkdir /run/new || mkdir /dev/new || touch /usr/new || touch /etc/new || echo none')" '^none$' "nothing can be made at the top, in /run, /dev, /usr, /etc"
like "$(sh_caged 'ls -A /run | sort | tr "\n" " "')" '^(NetworkManager |agentsh |connman |current-system |opengl-driver |resolvconf |systemd |user )+$' "/run is a named list"
unlike "$(sh_caged 'ls /dev; ls /dev/pts')" '(^|[[:space:]])(fuse|kvm|[sv]d[a-z]|loop.*|mem|tty[0-9].*|[0-9]+)($|[[:space:]])' "/dev has no disks, no kvm, no other terminals"
like "$(sh_caged 'echo x > /dev/null && head -c3 /dev/zero | wc -c && test -r /dev/urandom && ls -l /dev/fd/ > /dev/null && echo works' | tail -1)" '^works$' "but what programs need"
is "$(sh_caged 'df / /usr > /dev/null && awk "\$5 == \"/\" { print \$6 }" /proc/self/mountinfo | head -1 | cut -d, -f1')" ro "the root is read-only"
is "$(sh_caged 'grep -c -v -e " / /tmp " -e nosuid /proc/self/mountinfo')" 0 "no mount honours setuid"
if [ -d /etc/ssh ]; then
	is "$(sh_caged 'stat -c %u /etc/ssh/ssh_config')" "$(id -u "$TEST_USER")" "ssh's configuration belongs to the user"
	not_ok "and no host key comes with it" caged sh -c 'ls /etc/ssh/ssh_host_*'
fi
mkdir "$SCRATCH/home/elsewhere"
cd "$SCRATCH/home/elsewhere" || exit 1
like "$(as_user "$AGENTSH" --quiet --workspace "$SCRATCH/ws" -- true 2>&1; echo "status $?")" 'not in the view' "a working directory outside the view is refused in words"
is "$(as_user "$AGENTSH" --quiet --workspace "$SCRATCH/ws" -- true > /dev/null 2>&1; echo $?)" 125 "with status 125"
cd "$SCRATCH/ws" || exit 1

# ---- /proc, identity, namespaces ----
like "$(sh_caged 'ls -d /proc/[0-9]* | wc -l')" '^[1-9]$' "/proc shows the cage's processes alone"
is "$(sh_caged 'for f in sys sysrq-trigger irq bus fs acpi; do test ! -e /proc/$f || awk -v p=/proc/$f "\$5 == p { print \$6 }" /proc/self/mountinfo; done | cut -d, -f1 | sort -u')" ro "switches of the kernel are mounted read-only"
is "$(sh_caged 'awk "\$5 == \"/sys\" { print \$6 }" /proc/self/mountinfo | cut -d, -f1')" ro "/sys too"
like "$(sh_caged 'echo 0 > /proc/self/oom_score_adj && echo set')" '^set$' "one's own knobs work"
is "$(sh_caged 'grep -h Cap /proc/self/status | cut -f2 | sort -u')" 0000000000000000 "no capability in any set"
like "$(sh_caged 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status | tr "\n" " "')" 'NoNewPrivs:.1 Seccomp:.2' "no_new_privs and a filter"
is "$(sh_caged 'id -u; id -g' | tr '\n' ' ')" "$(id -u "$TEST_USER") $(id -g "$TEST_USER") " "the same user and group"
like "$(sh_caged 'unshare -U true; unshare -r -m true; unshare -n true')" 'not permitted' "no namespaces of one's own"
unlike "$(sh_caged 'unshare -U echo got in; unshare -m echo got in')" 'got in' "really none"
like "$(sh_caged 'ls -l /proc/1/exe /proc/1/fd; cat /proc/1/environ; kill -9 1; sleep 0.1; echo alive')" 'alive' "init cannot be looked into, nor killed"
is "$(sh_caged 'ulimit -c')" 0 "no core dumps"

# ---- network of one's own ----
is "$(sh_caged 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')" lo "loopback and nothing else"
like "$(caged python3 -c 'import socket; print(socket.getaddrinfo("localhost", 80, socket.AF_INET, 0, 0, socket.AI_ADDRCONFIG)[0][4][0])' 2>&1)" \
	'^127\.' "getaddrinfo with AI_ADDRCONFIG finds localhost"
like "$(caged python3 -c '
import socket
def t(*a):
    try: socket.socket(*a); return "ok"
    except OSError as e: return e.strerror
print(t(2, 2), t(10, 2), t(1, 1), t(16, 3, 0), sep=",")
print(t(40, 1), t(17, 3), t(38, 5), sep=",")' 2>&1 | tr '\n' ';')" '^ok,ok,ok,ok;(Address family[^,;]*[,;]){3}$' "socket families are a list"

# ---- descriptors ----
echo in > in.txt
printf 'one\ntwo\n' > offset.txt
like "$(caged sh -c 'cat <&5; echo to6 >&6' 5< in.txt 6> out.txt 2>&1; cat out.txt)" '^in$' "a readable and a writable file of the workspace are inherited"
is "$(cat out.txt)" to6 "and written"
like "$(caged sh -c 'cat <&5' 5< /proc/kallsyms 2>&1; caged sh -c 'ls /proc/self/fd/5/' 5< /usr 2>&1)" 'ad file descriptor|No such file' "directories are not"
is "$(as_user sh -c 'echo piped | "$0" --quiet -- cat /dev/fd/3 3<&0' "$AGENTSH")" piped "pipes are"
is "$({ caged sh -c 'read a; echo $a'; cat; } < offset.txt | tr '\n' ' ')" 'one two ' "standard input keeps the shared offset"
like "$(caged sh -c 'ls /proc/self/fd/0/' < /usr 2>&1)" 'Not a directory|cannot|No such' "a directory as standard input becomes /dev/null"
# opened by the user: what root gave could not be opened anew without a cage either
is "$(as_user sh -c '"$0" --quiet -- sh -c "echo again > /dev/stderr" 2>&1 | cat' "$AGENTSH")" again "/dev/stderr can be opened"
is "$(as_user sh -c '"$0" --quiet -- sh -c "echo over > /dev/stdout" > so.txt; cat so.txt' "$AGENTSH")" over "/dev/stdout too, when it is a file"
for i in 0 1 2; do
	like "$(eval "caged sh -c 'echo ran > ran.txt' $i>&-"; cat ran.txt; rm -f ran.txt)" ran "descriptor $i may be closed"
done
is "$(caged sh -c 'ls -l /proc/self/fd | grep -c -e socket: -e anon_inode -e memfd')" 0 "no descriptor of agentsh's is left"

# ---- exec ----
is "$(caged no-such-program 2> err.txt; echo $?)" 127 "not found: 127"
like "$(cat err.txt)" 'command not found' "in words"
is "$(caged /etc/passwd 2> err.txt; echo $?)" 126 "not executable: 126"
printf 'echo script $1\n' > script
chmod 755 script
is "$(caged ./script arg)" 'script arg' "a script without #! is the shell's"

# ---- nothing survives ----
sh_caged 'setsid sleep 4711 & nohup sleep 4711 > /dev/null 2>&1 & true' > /dev/null
sleep 0.2
not_ok "background processes end with the session" pgrep -u "$TEST_USER" -f 'sleep 4711'
if command -v script > /dev/null; then
	like "$(as_user script -qec "$AGENTSH --quiet -- sh -c 'tty; test -w /dev/tty && echo writable'" /dev/null | tr -d '\r')" '^/dev/console$' "the session's terminal has a name"
fi
done_testing
