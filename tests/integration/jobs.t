#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/integration/jobs.t [NAME...] - signals, stops, terminals and statuses are as without agentsh; TAP out

Most cases run twice, natively and as "$AGENTSH --quiet -- COMMAND", and tell
facts; the two lists must be equal, and the native one must hold what the case
expects, so that a case which goes wrong on both sides is not a pass. Cases
marked "caged" are about what only a cage does. JOBS_REPEAT=N runs each N times.
"""
import fcntl
import os
import pwd
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
from jobs_lib import Fail, Run, Term, alive, sleeps, until

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
AGENTSH = os.path.abspath(os.environ.get("AGENTSH", os.path.join(ROOT, "build/agentsh")))
CASES = []


def case(expect=None, caged=False):
    def add(f):
        CASES.append((f.__name__, f.__doc__, expect, caged, f))
        return f
    return add


HANDLER = """
import os, signal, sys, time
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def got(sig, frame):
    os.write(log, b"%d\\n" % sig)
    if sig == signal.SIGTERM: os._exit(7)
for s in signal.valid_signals():
    if s not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
        signal.signal(s, got)
if len(sys.argv) > 1: os.setpgid(0, 0)
open("up", "w").close()
while True: time.sleep(.02)
"""
CATCHABLE = [s for s in sorted(signal.valid_signals()) if s not in (
    signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTERM)]


def handler(run, *args, **kw):
    run.write("handler.py", HANDLER)
    p = run.popen(["python3", "handler.py", *args], group=True, **kw)
    until("the handlers are set", lambda: os.path.exists(run.path("up")))
    return p


def each_once(run, p, send, signals):
    count = 0
    for sig in signals:
        before = run.read("log").count("\n")
        send(sig)
        until(f"signal {int(sig)} in the handler", lambda: run.read("log").count("\n") > before)
        count += 1
    time.sleep(0.1)
    run.fact("got", run.read("log").split() == [str(int(s)) for s in signals], count)


# ---- statuses ----

@case(expect="^-11 ")
def status_of_signal(run):
    """a death by signal n is a death by signal n for the caller, an exit status an exit status"""
    for sig in (1, 2, 3, 6, 9, 10, 11, 13, 14, 15):
        run.fact(run.wait(run.popen(["sh", "-c", f"ulimit -c 0; kill -{sig} $$; sleep 5"], stderr=subprocess.DEVNULL)), sig)
    for status in (0, 1, 77, 125, 126, 127, 128, 255):
        run.fact(run.wait(run.popen(["sh", "-c", f"exit {status}"])))


@case(expect="^3$")
def status_where_children_are_ignored(run):
    """a caller that ignores SIGCHLD gets the status all the same, and the command ignores it too"""
    ignore = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    run.fact(run.wait(run.popen(["sh", "-c", "exit 3"], preexec_fn=ignore)))
    p = run.popen(["grep", "SigIgn", "/proc/self/status"], preexec_fn=ignore, stdout=subprocess.PIPE, text=True)
    run.fact(p.communicate()[0])


@case(expect="SigBlk:.*0200")
def caller_state(run):
    """mask, ignored signals, umask and limits of the caller are the command's"""
    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1])
        for s in (signal.SIGPIPE, signal.SIGUSR2, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(s, signal.SIG_IGN)
        os.umask(0o027)
    p = run.popen(["bash", "-c", 'grep -E "Sig(Blk|Ign|Cgt)|Umask" /proc/self/status; ulimit -t -d -s'], preexec_fn=prepare,
                  stdout=subprocess.PIPE, text=True)
    run.fact(p.communicate()[0])


@case(expect="^0 1 2 3$")
def descriptors(run):
    """the command has the caller's descriptors and no others"""
    run.fact(run.outer('"$@" bash -c "cd /proc/self/fd && echo *" | grep -q . && "$@" python3 -c "import os; print(*sorted(int(x) for x in os.listdir(\'/proc/self/fd\')))"').strip())


@case(expect="^st 0")
def closed_stdio(run):
    """a caller that has closed 0, 1 or 2 gets its command run"""
    run.fact(run.outer('"$@" sh -c "echo one; exit 0" <&-; echo st $?; "$@" sh -c "exit 4" >&-; echo st $?; '
                       '"$@" sh -c "exit 5" 2>&-; echo st $?; "$@" sh -c "exit 6" <&- >&- 2>&-; echo st $?'))


# ---- signals from outside ----

@case(expect="^got True")
def signal_to_front(run):
    """each signal that is sent to the process alone reaches the handler exactly once"""
    p = handler(run)
    each_once(run, p, p.send_signal, CATCHABLE)
    p.send_signal(signal.SIGTERM)
    run.fact(run.wait(p))


@case(expect="^got True")
def signal_to_group(run):
    """each signal that is sent to the process group reaches the handler exactly once"""
    p = handler(run)
    each_once(run, p, lambda s: os.killpg(p.pid, s), CATCHABLE)
    os.killpg(p.pid, signal.SIGTERM)
    run.fact(run.wait(p))


@case(expect="^got True")
def signal_to_group_of_its_own(run):
    """the same for a command that has made a process group of its own"""
    p = handler(run, "own")
    each_once(run, p, lambda s: os.killpg(p.pid, s), CATCHABLE)
    p.send_signal(signal.SIGTERM)
    run.fact(run.wait(p))


@case(expect="^got True 60")
def signal_repeated(run):
    """sixty signals in turn to the process and its group: sixty times in the handler"""
    p = handler(run)
    turn = iter(range(1000))

    def send(sig):
        time.sleep(0.01)	# two that are pending at once are one, for the front as for everybody
        if next(turn) % 2:
            os.killpg(p.pid, sig)
        else:
            p.send_signal(sig)
    each_once(run, p, send, [signal.SIGUSR1] * 60)
    p.send_signal(signal.SIGTERM)
    run.fact(run.wait(p))


@case(expect="^-15")
def signal_before_the_command(run):
    """a signal that comes while the cage is being built is not lost"""
    for how in ("process", "group"):
        for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04):
            p = run.popen(["sleep", "20"], group=True)
            time.sleep(delay)
            os.killpg(p.pid, signal.SIGTERM) if how == "group" else p.send_signal(signal.SIGTERM)
            run.fact(run.wait(p, 4))


@case(expect="^hup -15")
def nohup(run):
    """SIGHUP ignored by the caller stays without effect"""
    p = run.popen(["sleep", "20"], group=True, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    time.sleep(0.3)
    p.send_signal(signal.SIGHUP)
    os.killpg(p.pid, signal.SIGHUP)
    time.sleep(0.2)
    run.fact("hup" if p.poll() is None else "dead", end(run, p))


def end(run, p):
    p.send_signal(signal.SIGTERM)
    return run.wait(p)


@case(expect="^left 0$")
def timeout(run):
    """timeout(1) around it: its statuses, and nothing is left"""
    out = run.outer('timeout .3 "$@" sleep $MARK; echo $?; timeout -s INT .3 "$@" sleep $MARK; echo $?; '
                    'timeout -s KILL .3 "$@" sleep $MARK; echo $?; timeout --foreground .3 "$@" sleep $MARK; echo $?; '
                    'timeout -k .3 .3 "$@" bash -c "trap : TERM; sleep $MARK; sleep $MARK; sleep $MARK" 2>&-; echo $?')
    run.fact(re.sub("(?m)^.*Killed.*\n", "", out))
    time.sleep(0.8)
    run.fact("left", alive(run.mark))


@case(expect="^left 0$", caged=True)
def kill_front(run):
    """kill -9 of the front takes everything along within a second, groups and sessions of their own too"""
    p = run.popen(["bash", "-c", "sleep $MARK & setsid sleep $MARK & trap '' TERM HUP; (sleep $MARK; sleep $MARK); :"])
    until("three sleeps", lambda: alive(run.mark) == 3)
    p.kill()
    time.sleep(1.0)
    run.fact("left", alive(run.mark))


@case(expect="^left 0$", caged=True)
def survivors(run):
    """what the command leaves behind gets SIGTERM and a grace time, and does not hold up who reads its output"""
    run.write("polite.sh", "trap 'echo asked > polite; exit' TERM; touch ready; while :; do sleep .02; done\n")
    start = time.time()
    out = run.outer('"$@" bash -c "bash polite.sh & (trap \\"\\" TERM; sleep $MARK) & while [ ! -e ready ]; do sleep .02; done; echo out" | cat')
    run.fact(out.strip(), time.time() - start < 5, run.read("polite").strip())
    until("the end of what ignores SIGTERM", lambda: alive(run.mark) == 0, 2)
    run.fact("left", alive(run.mark))


@case(expect="^200000$", caged=True)
def tee_at_the_end(run):
    """a tee in a process substitution writes all it was given, although the command has ended"""
    run.outer('"$@" bash -c "exec > >(sleep .03; cat > out); seq 200000"')
    run.fact(until("the last line", lambda: run.read("out").count("\n") == 200000 and 200000))


# ---- stops ----

@case(expect="^SIGTSTP 6$")
def stop_self(run):
    """a command that stops itself is stopped for its caller, by the same signal, and goes on with it"""
    for sig in ("STOP", "TSTP", "TTIN", "TTOU"):
        p = run.popen(["bash", "-c", f"kill -{sig} $$; exit 6"], group=True)
        stopped = run.stopped(p)
        os.killpg(p.pid, signal.SIGCONT)
        run.fact(stopped, run.wait(p))


@case(expect="^SIGTSTP 6$")
def stop_self_continue_alone(run):
    """SIGCONT to the process alone is enough"""
    for sig in ("STOP", "TSTP"):
        p = run.popen(["bash", "-c", f"kill -{sig} $$; exit 6"], group=True)
        stopped = run.stopped(p)
        p.send_signal(signal.SIGCONT)
        run.fact(stopped, run.wait(p))


@case(expect="^SIGSTOP quiet -15$")
def stop_group(run):
    """SIGSTOP and SIGTSTP to the group stop the job, SIGCONT continues it"""
    for sig in (signal.SIGSTOP, signal.SIGTSTP):
        p = run.popen(["bash", "-c", "while :; do echo >> tick; sleep .02; done"], group=True)
        until("a tick", lambda: run.read("tick"))
        os.killpg(p.pid, sig)
        stopped = run.stopped(p)
        time.sleep(0.1)
        before = run.read("tick")
        time.sleep(0.2)
        run.fact(stopped, "quiet" if run.read("tick") == before else "still running")
        os.killpg(p.pid, signal.SIGCONT)
        until("ticks again", lambda: run.read("tick") != before)
        os.killpg(p.pid, signal.SIGTERM)
        run.facts[-1] = run.facts[-1] + f" {run.wait(p)}"


@case(expect="^SIGTSTP")
def stop_process(run):
    """SIGTSTP to the process alone stops it, and its caller sees it"""
    p = run.popen(["sleep", "20"], group=True)
    time.sleep(0.3)
    p.send_signal(signal.SIGTSTP)
    run.fact(run.stopped(p))
    p.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    run.fact(end(run, p))


@case(expect="^runs 3$")
def stop_and_continue_at_once(run):
    """SIGTSTP and SIGCONT in quick succession never leave the job stopped"""
    p = run.popen(["bash", "-c", "while [ ! -e end ]; do echo >> tick; sleep .01; done; exit 3"], group=True)
    until("a tick", lambda: run.read("tick"))
    for i in range(40):
        os.killpg(p.pid, signal.SIGTSTP)
        time.sleep((i % 8) * 0.002)
        os.killpg(p.pid, signal.SIGCONT)
        time.sleep((i % 5) * 0.003)
    before = run.read("tick")
    until("ticks again", lambda: run.read("tick") != before, 2)
    run.write("end", "")
    run.fact("runs", run.wait(p))


@case(expect="^SIGTSTP -15$")
def end_while_stopped(run):
    """SIGTERM to a stopped job takes effect when it is continued"""
    p = run.popen(["sleep", "20"], group=True)
    time.sleep(0.3)
    os.killpg(p.pid, signal.SIGTSTP)
    stopped = run.stopped(p)
    os.killpg(p.pid, signal.SIGTERM)
    os.killpg(p.pid, signal.SIGCONT)
    run.fact(stopped, run.wait(p))


@case(expect="^SIGTSTP -9$")
def kill_while_stopped(run):
    """SIGKILL to a stopped job's group ends it at once"""
    p = run.popen(["sleep", run.mark], group=True)
    until("the command", lambda: alive(run.mark))
    os.killpg(p.pid, signal.SIGTSTP)
    stopped = run.stopped(p)
    os.killpg(p.pid, signal.SIGKILL)
    run.fact(stopped, run.wait(p))
    until("the end of the command", lambda: alive(run.mark) == 0, 1)


@case(expect="^SIGSTOP -9$")
def killed_inside_while_stopped(run):
    """a stopped command that is killed, and not its group, has ended for its caller too"""
    p = run.popen(["bash", "-c", "(sleep .5; kill -9 $$) & kill -STOP $$; exit 6"], group=True)
    run.fact(run.stopped(p), run.wait(p))


@case(expect="^not stopped -15$")
def orphaned(run):
    """in an orphaned process group SIGTSTP does nothing, as everywhere"""
    p = run.popen(["sleep", "20"], start_new_session=True)
    time.sleep(0.3)
    os.killpg(p.pid, signal.SIGTSTP)
    time.sleep(0.3)
    pid, _ = os.waitpid(p.pid, os.WUNTRACED | os.WNOHANG)
    run.fact("stopped" if pid else "not stopped", end(run, p))


# ---- at a terminal ----

@case(expect="^130$")
def tty_interrupt(run):
    """Ctrl-C and Ctrl-\\ end the command with 130 and 131, a handler runs once"""
    t = Term(run)
    t.command("ulimit -c 0")
    for key in ("\x03", "\x1c"):
        t.send("$W sleep $MARK\n")
        until("the command", lambda: alive(run.mark))
        t.send(key)
        t.expect(r"OUT\$ ")
        run.fact(t.status())
    t.send("$W bash -c 'trap \"echo caught\" INT; echo UP; sleep .6; sleep .3; exit 5'\n")
    t.expect("UP\n")
    time.sleep(0.1)
    t.send("\x03")
    run.fact(t.expect(r"(?s)(.*)OUT\$ ")[1].count("caught"))
    run.fact(t.status())


@case(expect="^5$")
def tty_stop_and_fg(run):
    """Ctrl-Z, jobs, bg, fg, Ctrl-Z again"""
    t = Term(run)
    t.send("$W bash -c 'echo UP; for i in 1 2 3 4 5; do sleep .2; done; echo F\"\"IN; exit 5'\n")
    t.expect("UP\n")
    for _ in range(2):
        time.sleep(0.2)
        t.send("\x1a")
        t.expect(r"Stopped.*\n(.*\n)*OUT\$ ")
        run.fact("stopped", t.command("jobs -l", r"\d+ (Stopped|Running|Suspended)[^$\n]*")[1])
        t.expect(r"OUT\$ ")
        t.foreground()
        t.expect("bash -c.*\n")
    t.expect("FIN\n")
    t.expect(r"OUT\$ ")
    run.fact(t.status())


@case(expect="^tty input$")
def tty_background_read(run):
    """a command in the background that reads the terminal is stopped; in the foreground it gets its line"""
    t = Term(run)
    t.command("$W cat &")
    time.sleep(0.8)
    t.command("jobs", r"Stopped")
    run.fact("tty input")
    t.expect(r"OUT\$ ")
    t.foreground()
    t.expect("cat\n")
    time.sleep(0.2)
    t.send("hello there\n")
    t.expect("hello there\n")
    t.expect("hello there\n")
    t.send("\x04")
    t.expect(r"OUT\$ ")
    run.fact(t.status())


@case(expect="^done$")
def tty_background_run(run):
    """a command in the background that leaves the terminal alone runs to its end, the shell stays usable"""
    t = Term(run)
    t.command("$W bash -c 'sleep .5; exit 4' &")
    run.fact(t.command("echo he\"\"re", r"here\n")[0])
    t.send("wait $!; echo \"st=$?\"\n")
    run.fact(t.expect(r"st=(\d+)\n")[1])
    t.expect(r"OUT\$ ")
    run.fact("done")


@case(expect="^back$")
def tty_self_stop(run):
    """raise(SIGSTOP) and a group stop from inside return the prompt, fg goes on"""
    t = Term(run)
    for how in ("kill -STOP $$", "kill -TSTP 0", "kill -TSTP $$"):
        t.send(f"$W bash -c '{how}; echo GO\"\"ON; exit 6'\n")
        t.expect(r"Stopped.*\n")
        t.expect(r"OUT\$ ")
        run.fact("back")
        t.foreground()
        t.expect("GOON\n")
        t.expect(r"OUT\$ ")
        run.fact(t.status())


@case(expect="^resumed$")
def tty_suspend(run):
    """suspend in a shell inside returns the prompt; fg brings the shell back, with the terminal and job control"""
    t = Term(run)
    t.send("PS1='IN# ' $W bash --norc --noprofile -i\n")
    t.expect("IN# ")
    for _ in range(2):
        t.send("suspend\n")
        t.expect(r"Stopped.*\n(.*\n)*OUT\$ ")
        t.command("echo out\"\"side", "outside\n")
        t.expect(r"OUT\$ ")
        t.foreground()
        t.expect("-i\n")
        time.sleep(0.2)
        t.send("echo ins\"\"ide\n")
        t.expect("inside\n")
        t.expect("IN# ")
        run.fact("resumed")
    t.send("sleep 50\n")
    time.sleep(0.3)
    t.send("\x1a")
    t.expect("Stopped")
    t.expect("IN# ")
    t.command("kill -9 %1; sleep .3; jobs; echo go\"\"ne", "gone\n")
    t.expect("IN# ")
    t.send("exit 9\n")
    t.expect(r"OUT\$ ")
    run.fact(t.status())


@case(expect="^read typed$")
def tty_given_back(run):
    """a script that runs a shell with job control and then reads gets the terminal back"""
    t = Term(run)
    t.send("sh -c '$W bash --norc --noprofile -ic \"sleep .1; true\"; read x; echo re\"\"ad $x'\n")
    time.sleep(0.8)
    t.send("typed\n")
    run.fact(t.expect(r"read \w*\n")[0])
    t.expect(r"OUT\$ ")
    run.fact(t.status())


@case(expect="^as before$", caged=True)
def tty_modes(run):
    """the terminal's modes are as before, when a command dies with it in raw mode"""
    t = Term(run, ["sh", "-c", " ".join(run.wrapper) + " sh -c 'stty raw -echo; echo UP; sleep $MARK'; echo END; read x"])
    before = t.flags()
    t.expect("UP")
    raw = t.flags()
    os.kill(until("the command", lambda: sleeps(run.mark))[0], signal.SIGTERM)
    t.expect("END")
    run.fact("as before" if t.flags() == before and raw != before else "changed")


@case(expect="^(?s:.*)line 200$")
def tty_pipeline(run):
    """in a pipeline with a pager both sides live, and the pager has the terminal"""
    t = Term(run)
    run.write("text", "".join(f"line {i}\n" for i in range(1, 201)))
    t.send("$W cat text | less\n")
    t.expect("line 2\n")
    t.send("G")
    run.fact(t.expect("line 200")[0])
    t.send("q")
    t.expect(r"OUT\$ ")
    t.send("cat text | $W less\n")
    t.expect("line 23\n")
    time.sleep(0.2)
    t.send("\x1a")
    t.expect(r"Stopped(.*\n)*.*OUT\$ ")
    t.foreground()
    time.sleep(0.3)
    t.send("G")
    run.fact(t.expect("line 200")[0])
    t.send("q")
    t.expect(r"OUT\$ ")
    t.send("$W yes | head -1; echo p\"s=${PIPESTATUS[*]}\"\n")
    run.fact(t.expect(r"ps=.*\n")[0])


@case(expect="^40 120 1$")
def tty_resize(run):
    """a new window size arrives, with one SIGWINCH, also after a stop"""
    run.write("size.py", "import signal, os\nn = []\nsignal.signal(signal.SIGWINCH, lambda *a: n.append(1))\nprint('UP', flush=True)\n"
              "import time\nwhile not n: time.sleep(.02)\ntime.sleep(.2)\ns = os.get_terminal_size(); print('size', s.lines, s.columns, len(n), flush=True)\n")
    t = Term(run)
    t.send("$W python3 size.py\n")
    t.expect("UP\n")
    fcntl.ioctl(t.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    run.fact(t.expect(r"size (.*)\n")[1])


@case(expect="^left 0$")
def tty_hangup(run):
    """the terminal goes away: so do the command and its children"""
    t = Term(run)
    t.send("$W bash -c 'sleep $MARK & sleep $MARK; :'\n")
    until("two sleeps", lambda: alive(run.mark) == 2)
    t.close()
    until("the end", lambda: alive(run.mark) == 0, 3)
    run.fact("left", alive(run.mark))


@case(expect="^left 0$")
def tty_hangup_while_stopped(run):
    """the shell dies while the job is stopped: the job goes too"""
    for inner in ("sleep $MARK", "bash --norc --noprofile -ic 'sleep $MARK & suspend'"):
        t = Term(run)
        t.send(f"$W {inner}\n")
        until("the command", lambda: alive(run.mark))
        if inner.startswith("sleep"):
            t.send("\x1a")
        t.expect(r"Stopped(.*\n)*.*OUT\$ ")
        t.process.kill()
        t.process.wait()
        t.close()
        until("the end", lambda: alive(run.mark) == 0, 3)
    run.fact("left", alive(run.mark))


@case(expect="^143$")
def tty_leader(run):
    """where the command would lead the job it does: dash and timeout(1) at a terminal, kill -- -$$"""
    t = Term(run)
    t.send("$W bash -c 'kill -TERM -- -$$; sleep 5'\n")
    t.expect(r"Terminated(.*\n)*.*OUT\$ ")
    run.fact(t.status())
    t.send("$W timeout 20 cat\n")
    t.expect("cat\n")
    time.sleep(0.5)
    t.send("hello\n")
    t.expect("hello\nhello\n")
    t.send("\x1a")
    t.expect(r"Stopped(.*\n)*.*OUT\$ ")
    t.foreground()
    t.expect("cat\n")
    t.send("again\n")
    t.expect("again\nagain\n")
    t.send("\x04")
    t.expect(r"OUT\$ ")
    run.fact(t.status())
    t.send("PS1='IN# ' $W dash -i\n")
    t.expect(r"\nIN# ")
    t.send("sleep 50\n")
    time.sleep(0.3)
    t.send("\x1a")
    t.expect(r"Stopped(.*\n)*.*IN# ")
    t.send("kill -9 %1; sleep .3; jobs; sleep .1\n")
    t.expect("IN# ")
    t.send("exit 3\n")
    t.expect(r"OUT\$ ")
    run.fact(t.status())


@case(expect="^stopped 9$")
def tty_pipeline_with_shell(run):
    """a shell with job control in a pipeline: suspend, fg"""
    t = Term(run)
    t.send("PS1='IN# ' $W bash --norc --noprofile -i 2>&1 | cat\n")
    t.expect(r"\nIN# ")
    t.send("suspend\n")
    time.sleep(0.5)
    t.send("\x1a")
    time.sleep(0.3)
    t.command("jobs", r"Stopped(.*\n)*.*OUT\$ ")
    run.fact("stopped", 9)
    t.send("kill -9 %1\n")


@case(expect="^saved$")
def tty_vim(run):
    """a full-screen program that handles SIGTSTP itself: Ctrl-Z, the prompt, fg, the screen again"""
    if not shutil.which("vim"):
        run.fact("saved")
        return
    t = Term(run)
    t.send("$W vim -u NONE -i NONE -N note.txt\n")
    t.expect("note.txt.*New")
    t.send("ione two\x1b")
    for _ in range(2):
        time.sleep(0.2)
        t.send("\x1a")
        t.expect(r"Stopped(.*\n)*.*OUT\$ ")
        t.command("echo he\"\"re", "here\n")
        t.expect(r"OUT\$ ")
        t.foreground()
        t.expect("one two")
    t.send(":wq\n")
    t.expect(r"OUT\$ ")
    run.fact(run.read("note.txt"))
    run.fact("saved")


# ---- the runner ----

def one(name, f, wrapper, scratch):
    directory = tempfile.mkdtemp(prefix=name + ".", dir=scratch)
    run = Run(wrapper, directory)
    why = ""
    try:
        f(run)
    except Fail as e:
        why = str(e)
    except Exception as e:		# a broken case is a failed one, and the others still run
        why = f"{type(e).__name__}: {e}"
    finally:
        run.clean()
    return run, why


def judge(name, f, expect, caged, scratch):
    notes = []
    native = None
    wrapped, why = one(name, f, [AGENTSH, "--quiet", "--"], scratch)
    if not caged:
        native, native_why = one(name, f, [], scratch)
        if native_why:
            notes.append(f"natively: {native_why}")
            if native.term:
                notes.append(f"screen: {native.term.all[-1500:]!r}")
    if why:
        notes.append(f"wrapped: {why}")
        if wrapped.term:
            notes.append(f"screen: {wrapped.term.all[-1500:]!r}")
    reference = wrapped if caged else native
    if not re.search(expect, "\n".join(reference.facts), re.M):
        notes.append(f"expected {expect!r}, got {reference.facts}")
    if native and native.facts != wrapped.facts:
        notes += [f"native:  {native.facts}", f"wrapped: {wrapped.facts}"]
    return notes


def main():
    if os.getuid() == 0:
        subprocess.run(["sh", os.path.join(ROOT, "tests/lib/setup.sh")], check=True)
        user = pwd.getpwnam("agentsh-test")
        os.chdir("/")
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ.update(USER=user.pw_name, LOGNAME=user.pw_name)
    scratch = tempfile.mkdtemp(prefix="agentsh-jobs.", dir="/var/tmp")
    os.mkdir(os.path.join(scratch, "home"))
    os.environ.update(HOME=os.path.join(scratch, "home"), XDG_STATE_HOME=os.path.join(scratch, "state"))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        os.environ.pop(name, None)
    wanted = [c for c in CASES if len(sys.argv) < 2 or c[0] in sys.argv[1:]]
    print(f"1..{len(wanted)}", flush=True)
    bad = 0
    for number, (name, what, expect, caged, f) in enumerate(wanted, 1):
        for _ in range(int(os.environ.get("JOBS_REPEAT", "1"))):
            notes = judge(name, f, expect, caged, scratch)
            if notes:
                break
        print(f"{'not ok' if notes else 'ok'} {number} - {name}: {what}", flush=True)
        for note in notes:
            print("# " + note.replace("\n", "\n# "), flush=True)
        bad += bool(notes)
    shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(bad > 0)


main()
