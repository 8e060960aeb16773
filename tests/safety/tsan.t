#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/safety/tsan.t - ThreadSanitizer over the supervisor of real work: no report
#
# Builds with MODE=tsan, then lets git, make, python with threads and the busy
# session of killed.t work in a cage of it. A report ends the supervisor and so
# the session, and stands in a file. Much more of the tests runs with "make tsan".
# Seconds: 900
. "$(dirname "$0")/../lib/tap.sh"

case ${MODE:-release} in
release) ;;
*)
	echo "1..0 # SKIP this run has a sanitizer of its own"
	exit 0
	;;
esac
B=${B:-$ROOT/build}
ok "it is built" make -s -C "$ROOT" B="$B" CI= MODE=tsan all
install -m 755 "$B/tsan/agentsh" "$SCRATCH/agentsh"
reports=$SCRATCH/reports
mkdir -m 1777 "$reports"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:report_thread_leaks=0:log_path=$reports/tsan"

caged() {
	as_user timeout 200 "$SCRATCH/agentsh" --quiet --workspace "$SCRATCH/ws" "$@"
}
reported() {
	cat "$reports"/* 2>/dev/null
}
cd "$SCRATCH/ws" || exit 1

# A report is seen where one is: the runtime writes to the file it was given
cat >"$SCRATCH/race.c" <<-'EOF'
	#include <pthread.h>
	static int shared;
	static void *run(void *arg) { shared++; return arg; }
	int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); shared++; return pthread_join(t, 0); }
EOF
cc -fsanitize=thread -o "$SCRATCH/race" "$SCRATCH/race.c" -lpthread && "$SCRATCH/race" >/dev/null 2>&1
like "$(reported)" 'data race' "what races is reported"
rm -f "$reports"/*

out=$(caged -- sh -c 'git init -q . && git config user.email a@b && git config user.name c &&
	for i in 1 2 3 4 5; do echo $i >f$i; git add -A; git commit -qm $i || exit 1; done; git log --oneline | wc -l' 2>&1)
is "$out" 5 "git"
printf 'all: a b c d e f g h\n%%:\n\t@sleep 0.0$@ 2>/dev/null; cp Makefile $@.out; cat $@.out >/dev/null; echo $@\n' >Makefile
out=$(caged -- make -j8 2>&1 | sort | tr '\n' ' ')
is "$out" "a all b c d e f g h " "make with eight jobs"
cat >threads.py <<-'EOF'
	import os, socket, subprocess, threading
	def files(n):
	    for i in range(40):
	        name = f"t{n}.{i % 5}"
	        with open(name, "w") as f: f.write("x" * 5000)
	        os.rename(name, name + ".new"); os.stat(name + ".new"); os.listdir("."); os.unlink(name + ".new")
	        try: open(os.path.expanduser("~/.ssh/id_test")).read(); print("read a key")
	        except OSError: pass
	def net(n):
	    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
	    for i in range(20):
	        c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.sendmsg([b"abc"]); a.recv(3); a.close(); c.close()
	        try: socket.create_connection(("192.0.2.7", 9), 1); print("connected")
	        except OSError: pass
	def progs(n):
	    for i in range(10): subprocess.run(["true"]); subprocess.run(["sh", "-c", "exit 0"])
	all_ = [threading.Thread(target=f, args=(n,)) for n in range(3) for f in (files, net, progs)]
	[t.start() for t in all_]; [t.join() for t in all_]
	print("all done")
EOF
is "$(caged -- python3 threads.py 2>/dev/null)" "all done" "python with nine threads: files, connections, programs"

out=$(cd "$ROOT" && MODE=tsan AGENTSH=$SCRATCH/agentsh KILLED_MOMENTS=4 tests/safety/killed.t supervisor front 2>&1)
is $? 0 "supervisor and front killed while busy"
unlike "$out" '^not ok' "and nothing is left"
is "$(reported)" "" "no report"
done_testing
