#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/integration/tools.t - Ordinary work under the default policy: git with worktrees, make, pipes, servers on localhost
. "$(dirname "$0")/../lib/tap.sh"
cd "$SCRATCH/ws" || exit 1

caged() {
	as_user "$AGENTSH" --quiet -- "$@"
}
sh_caged() {
	caged sh -c "$1" 2>&1
}

cat > "$SCRATCH/home/.gitconfig" <<'C'
[user]
	name = Test
	email = test@example.org
[init]
	defaultBranch = main
C
chmod 644 "$SCRATCH/home/.gitconfig"

like "$(sh_caged 'git init -q . && echo a > a && git add a && git commit -qm one && git log --oneline | wc -l')" '^1$' "git init, add, commit"
like "$(sh_caged 'git worktree add -q ../ws/wt -b side && cd wt && echo b > b && git add b && git commit -qm two && git log --oneline | wc -l')" '^2$' "git worktree and a commit in it"
like "$(sh_caged 'echo c >> a && git stash -q && git stash pop -q && git diff --stat | tail -1')" '1 file changed' "git stash and pop"
like "$(sh_caged 'git config user.nick x && git config user.nick')" 'denied|Permission' "git config in a repository from before is refused"
like "$(sh_caged 'git init -q born && git -C born config user.nick x && git -C born config user.nick')" '^x$' "and works in one born here"
like "$(sh_caged 'git clone -q . copy && git -C copy log --oneline | wc -l')" '^1$' "git clone"
like "$(sh_caged 'git gc -q && git fsck && echo fine')" 'fine' "git gc and fsck"
like "$(sh_caged 'printf "#!/bin/sh\nexit 0\n" > .git/hooks/pre-commit')" 'denied|Permission' "a hook cannot be planted"
not_ok "and is not there" test -e .git/hooks/pre-commit
like "$(sh_caged 'git init -q fresh && mv fresh moved && git -C moved status -sb && ls moved/.git/hooks | wc -l')" '^[1-9]' "a repository born here is moved as a whole"
like "$(sh_caged 'rm -rf moved/.git/hooks; mkdir x; echo x >x/pre-commit; mv x moved/.git/hooks; ln -s ../../x moved/.git/hooks; mkdir -p y/hooks; echo x >y/hooks/pre-push; mkdir z; mv y z/.git; ls')" 'denied' "but no folder with a hook in it becomes one of hooks, nor does a link to one"
is "$(find . -path '*.git/hooks/pre*' ! -name '*.sample'; find . -path '*.git/hooks' -type l)" "" "and none is there"

mkdir c && for i in $(seq 40); do echo "int f$i(void) { return $i; }" > "c/f$i.c"; done
echo 'int main(void) { return 0; }' > c/main.c
printf 'O = $(patsubst %%.c,%%.o,$(wildcard *.c))\nprog: $(O)\n\tcc -o $@ $(O)\n' > c/Makefile
[ "$(id -u)" != 0 ] || chown -R "$TEST_USER:" c
like "$(sh_caged 'make -s -C c -j4 && c/prog && echo built')" 'built' "make -j4 of 40 files, and the result runs"
like "$(sh_caged 'rm -rf c && test ! -e c && echo gone')" 'gone' "rm -rf of it"

is "$(seq 100000 | caged md5sum)" "$(seq 100000 | md5sum)" "standard input, byte for byte"
is "$(caged seq 100000 | md5sum)" "$(seq 100000 | md5sum)" "standard output, byte for byte"
caged sh -c 'kill -TERM $$'
is "$?" 143 "death by a signal"
is "$(caged sh -c 'echo "$1|$2|$3"' x 'a b' '' '$(id)')" 'a b||$(id)' "arguments as they are"
like "$(caged python3 -c '
import socket, threading
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
threading.Thread(target=lambda: s.accept()[0].sendall(b"served\n"), daemon=True).start()
print(socket.create_connection(s.getsockname()).recv(10).decode())' 2>&1)" 'served' "a server on localhost, and its client"
like "$(caged python3 -c '
import subprocess, multiprocessing, tempfile, os
print(subprocess.run(["echo", "sub"], capture_output=True, text=True).stdout.strip())
with multiprocessing.Pool(2) as p: print(sum(p.map(abs, [-1, -2])))
f = tempfile.NamedTemporaryFile(); f.write(b"x"); f.flush(); print(os.path.getsize(f.name))' 2>&1 | tr '\n' ' ')" '^sub 3 1 $' "subprocess, multiprocessing, tempfile"
like "$(sh_caged 'agentsh why --path ~/.ssh/id_rsa --op read')" '[Dd]en' "agentsh is on PATH inside and says why"
like "$(sh_caged 'test -w /etc || echo ro; touch /usr/x 2>&1; id -u')" 'ro' "the system is read-only"
like "$(as_user "$AGENTSH" log verify 2>&1)" 'intact|ok|verified' "the log of the last session is intact"
done_testing
