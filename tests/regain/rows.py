"""The attacks: a row each. Words in braces are the live targets, see targets() in run.py.

(program, attack, arguments, roles, control)

control: who gets through without the wall:
    "root"     root
    "user"     the same plain uid, unconfined
    "copy"     root, on a copy: it destroys what it gets
    "log"      root, with a log's descriptor that is not append-only
    "sleeper"  the plain uid, on an unconfined process of its own
"""

W, P, A = "worker", "php", "acceptor"
L = "listening-worker"  # one that holds listeners of its user's own
ALL = (W, L, P, A)

CONFINED = [
    # become somebody
    ("ids", "setuid", ["0"], ALL, "root"),
    ("ids", "seteuid", ["0"], ALL, "root"),
    ("ids", "setreuid", ["0"], ALL, "root"),
    ("ids", "setresuid", ["0"], ALL, "root"),
    ("ids", "setresuid", ["6002"], ALL, "root"),
    ("ids", "saved-uid", ["0"], ALL, "root"),
    ("ids", "setfsuid", ["0"], ALL, "root"),
    ("ids", "setfsuid", ["6002"], ALL, "root"),
    ("ids", "setgid", ["0"], ALL, "root"),
    ("ids", "setgid", ["6002"], ALL, "root"),
    ("ids", "setresgid", ["0"], ALL, "root"),
    ("ids", "setfsgid", ["0"], ALL, "root"),
    ("ids", "setgroups", ["0"], ALL, "root"),
    ("ids", "no-groups", [], ALL, "root"),
    ("ids", "setuid-program", ["{bin}/setuid"], ALL, "user"),
    ("ids", "capable-program", ["{bin}/capable"], ALL, "user"),
    ("ids", "capset", [], ALL, "root"),
    ("ids", "inheritable", [], ALL, "root"),
    ("ids", "ambient", [], ALL, "root"),
    ("ids", "securebits", [], ALL, "root"),
    ("ids", "keepcaps", [], ALL, "root"),
    ("ids", "bounding", [], ALL, "root"),
    # capabilities through namespaces; mounts and roots
    ("kernel", "unshare-user", [], ALL, "user"),
    ("kernel", "clone-user", [], ALL, "user"),
    ("kernel", "clone3-user", [], ALL, "user"),
    ("kernel", "unshare-mounts", [], ALL, "root"),
    ("kernel", "setns", [], ALL, "root"),
    ("kernel", "mount", ["{empty}"], ALL, "root"),
    ("kernel", "fsopen", [], ALL, "root"),
    ("kernel", "chroot", ["/"], ALL, "root"),
    # programs where there are none; the filter's own edges
    ("kernel", "fork", [], (W, L, A), "user"),
    ("kernel", "thread", [], (W, L, A), "user"),
    # a worker makes a thread with one set of flags: one bit more, or less, is a process
    ("kernel", "clone", ["0x11"], (W, L, A), "user"),  # SIGCHLD: fork
    ("kernel", "clone", ["0x4111"], (W, L, A), "user"),  # VM, VFORK: posix_spawn
    ("kernel", "clone", ["0x40f11"], (W, L, A), "user"),  # a process that shares all that a thread does
    ("kernel", "clone", ["0x10000011"], ALL, "user"),  # NEWUSER
    ("kernel", "exec", ["/bin/true"], (W, L, A), "user"),
    ("kernel", "exec-memory", [], (W, L, A), "user"),
    ("kernel", "other-architecture", [], ALL, "user"),
    ("kernel", "write-exec", [], (W, L, A), "user"),
    ("kernel", "exec-page", [], (A,), "user"),
    ("kernel", "dumpable", [], (W, L, A), "user"),
    # deep parts of the kernel
    ("kernel", "ptrace-me", [], ALL, "user"),
    ("kernel", "keyring", [], ALL, "user"),
    ("kernel", "bpf", [], ALL, "root"),
    ("kernel", "perf", [], ALL, "root"),
    ("kernel", "io-uring", [], ALL, "root"),
    ("kernel", "userfaultfd", [], ALL, "root"),
    ("kernel", "file-handle", ["{bobsecret}"], ALL, "root"),
    ("kernel", "tiocsti", [], ALL, "root"),
    ("kernel", "tiocsti-high-bits", [], ALL, "root"),
    # the network
    ("kernel", "socket-inet", [], (W, L, A), "user"),
    ("kernel", "socket-packet", [], ALL, "root"),
    ("kernel", "socket-netlink", [], (W, L, A), "user"),
    ("kernel", "socket-unix", [], (A,), "user"),
    ("kernel", "low-port", ["{lowport}"], ALL, "root"),
    # taking connections: not without a listener, and never from one of its own making
    ("kernel", "accept", [], (W,), "user"),
    ("kernel", "bind", [], (W, L, A), "user"),
    ("kernel", "listen", [], (W, L, A), "user"),
    # a visitor's connection is not a way out
    ("kernel", "reconnect", ["{elsewhere}"], (W, L, A), "user"),
    ("kernel", "fast-open", ["{elsewhere}"], (W, L, A), "user"),
    # limits
    ("kernel", "raise-core", [], ALL, "root"),
    ("kernel", "raise-files", [], (W, L, A), "root"),
    ("kernel", "nice", [], ALL, "root"),
    ("kernel", "realtime", [], ALL, "root"),
    ("kernel", "oom-score", [], ALL, "root"),
    # the worker of the same user: his PHP must not reach into it
    ("procs", "ptrace", ["{worker}"], (W, P), "root"),
    ("procs", "memory", ["{worker}"], (W, P), "root"),
    ("procs", "memory-write", ["{worker}"], (W, P), "root"),
    ("procs", "vm-read", ["{worker}"], (W, P), "root"),
    ("procs", "maps", ["{worker}"], (W, P), "root"),
    ("procs", "environ", ["{worker}"], (W, P), "root"),
    ("procs", "fds", ["{worker}"], (W, P), "root"),
    ("procs", "fd-reopen", ["{worker}"], (W, P), "root"),
    ("procs", "cwd", ["{worker}"], (W, P), "root"),
    ("procs", "root", ["{worker}"], (W, P), "root"),
    ("procs", "pidfd-getfd", ["{worker}"], (W, P), "root"),
    ("procs", "limit", ["{worker}"], (W, P), "sleeper"),
    # everybody else
    ("procs", "ptrace", ["{bobworker}"], ALL, "root"),
    ("procs", "memory", ["{bobworker}"], ALL, "root"),
    ("procs", "vm-read", ["{bobworker}"], ALL, "root"),
    ("procs", "environ", ["{bobphp}"], ALL, "root"),
    ("procs", "fds", ["{bobphp}"], ALL, "root"),
    ("procs", "cwd", ["{bobphp}"], ALL, "root"),
    ("procs", "pidfd-getfd", ["{bobphp}"], ALL, "root"),
    ("procs", "ptrace", ["{acceptor}"], ALL, "root"),
    ("procs", "memory", ["{acceptor}"], ALL, "root"),
    ("procs", "fds", ["{acceptor}"], ALL, "root"),
    ("procs", "ptrace", ["{supervisor}"], ALL, "root"),
    ("procs", "memory", ["{supervisor}"], ALL, "root"),
    ("procs", "environ", ["{supervisor}"], ALL, "root"),
    ("procs", "fds", ["{supervisor}"], ALL, "root"),
    ("procs", "pidfd-getfd", ["{supervisor}"], ALL, "root"),
    # signals and the like
    ("procs", "kill", ["{supervisor}"], ALL, "root"),
    ("procs", "kill", ["{acceptor}"], (W, P), "root"),
    ("procs", "kill", ["{bobworker}"], ALL, "root"),
    ("procs", "kill", ["{bobphp}"], ALL, "root"),
    ("procs", "pidfd-kill", ["{bobworker}"], ALL, "root"),
    ("procs", "tgkill", ["{bobworker}"], ALL, "root"),
    ("procs", "renice", ["{bobworker}"], ALL, "root"),
    ("procs", "limit", ["{bobworker}"], ALL, "sleeper"),
    ("procs", "migrate", ["{bobworker}"], ALL, "root"),
    # what a start could leave behind
    ("procs", "left-open", [], ALL, "root"),
    ("procs", "environment", ["{secretname}"], ALL, "root"),
    ("procs", "outlive", [], ALL, "root"),
    # files of others
    ("files", "read", ["{bobsecret}"], ALL, "root"),
    ("files", "read", ["{bobphpfile}"], ALL, "root"),
    ("files", "read", ["{ownkey}"], ALL, "root"),  # her own site's: her worker has it, she has not
    ("files", "openat2", ["{bobsecret}"], ALL, "root"),
    ("files", "stat", ["{bobsecret}"], ALL, "root"),
    ("files", "list", ["{bobwww}"], ALL, "root"),
    ("files", "create", ["{bobwww}"], ALL, "root"),
    ("files", "read", ["{rootonly}"], ALL, "root"),
    ("files", "read", ["/etc/shadow"], ALL, "root"),
    ("files", "read", ["/etc/passwd"], (A,), "root"),
    ("files", "list", ["/home"], (A,), "root"),
    ("files", "create", ["/"], ALL, "root"),
    ("files", "climb", [], (A,), "root"),
    # the run directory, and other users' PHP sockets
    ("files", "list", ["{rundir}/php"], ALL, "root"),
    ("files", "create", ["{rundir}"], ALL, "root"),
    ("files", "create", ["{rundir}/php"], ALL, "root"),
    ("files", "symlink", ["{rundir}/php"], ALL, "root"),
    ("files", "symlink", ["{rundir}/empty"], ALL, "root"),
    ("files", "connect", ["{bobsocket}"], ALL, "root"),
    ("files", "rename", ["{bobsocket}"], ALL, "root"),
    ("files", "rename", ["{ownsocket}"], ALL, "root"),
    ("files", "remove", ["{ownsocket}"], ALL, "copy"),
    # logs: by name, and by the descriptor that a worker holds
    ("files", "write", ["{boblog}"], ALL, "root"),
    ("files", "read", ["{boblog}"], ALL, "root"),
    ("files", "write", ["{ownlog}"], ALL, "root"),
    ("files", "create", ["{logs}"], ALL, "root"),
    ("files", "symlink", ["{logs}"], ALL, "root"),
    ("files", "hardlink", ["{ownlog}", "{own}/link"], (W, P), "root"),
    ("files", "hardlink", ["{bobsecret}", "{own}/link"], (W, P), "root"),
    ("files", "rename", ["{ownlog}"], ALL, "root"),
    ("files", "remove", ["{decoy}"], ALL, "copy"),
    ("files", "chmod", ["{ownlog}"], ALL, "root"),
    ("files", "chown", ["{decoy}"], ALL, "root"),
    ("files", "log-truncate", [], (W,), "log"),
    ("files", "log-overwrite", [], (W,), "log"),
    ("files", "log-punch", [], (W,), "log"),
    ("files", "log-read", [], (W,), "log"),
    ("files", "log-chmod", [], (W,), "log"),
]

# Inside the distribution's php-cgi, asked for over HTTP: (attack, a, b, control).
# control: "root" = the same script as root without the server; ("own", a) = the same request
# with an argument that is one's own; "log" = the plain user, with a log's append-only
# descriptor that a worker would have had to give him.
PHP = [
    ("setuid", "", "", "root"),
    ("seteuid", "", "", "root"),
    ("setgid", "", "", "root"),
    ("other-uid", "6002", "", "root"),
    ("setuid-program", "{bin}/setuid", "", "user"),
    ("capable-program", "{bin}/capable", "", "user"),
    ("program", "{bin}/kernel", "unshare-user", "user"),
    ("program", "{bin}/kernel", "clone3-user", "user"),
    ("program", "{bin}/procs", "memory {worker}", "root"),
    ("program", "{bin}/procs", "ptrace {worker}", "root"),
    ("read", "{bobsecret}", "", "root"),
    ("read", "{ownkey}", "", "root"),
    ("read", "/proc/{worker}/mem", "", "root"),
    ("include", "{bobphpfile}", "", "root"),
    ("read", "/proc/{worker}/environ", "", "root"),
    ("read", "/proc/{supervisor}/environ", "", "root"),
    ("read", "/proc/{bobphp}/environ", "", "root"),
    ("list", "/proc/{worker}/fd", "", "root"),
    ("list", "{rundir}/php", "", "root"),
    ("list", "{bobwww}", "", "root"),
    ("write", "{boblog}", "", "root"),
    ("write", "{ownlog}", "", "root"),
    ("create", "{rundir}/php", "", "root"),
    ("symlink", "{logs}", "", "root"),
    ("hardlink", "{bobsecret}", "{own}/php-link", "root"),
    ("kill", "{supervisor}", "", "root"),
    ("kill", "{acceptor}", "", "root"),
    ("kill", "{bobworker}", "", "root"),
    ("kill", "{bobphp}", "", "root"),
    ("connect", "{bobsocket}", "", "root"),
    ("environment", "{secretname}", "", "root"),
    ("opcache", "{bobwww}", "", ("own", "{own}")),
    ("limit", "", "", "root"),
    ("left-open", "", "", "root"),
    ("log-cut", "{ownlog}", "{bin}/files", "log"),
]

# Links in the user's own document root that his worker is asked to follow. The worker reads
# as its user, so it gets what he gets; the control is a link to a file of his own.
# In the jail of `jail: home`; the control is the same role and user without it.
JAILED = [
    ("files", "read", ["{outside}/open.txt"], (W, P)),
    ("files", "openat2", ["{outside}/shared/file.txt"], (W, P)),
    ("files", "list", ["{outside}"], (W, P)),
    # these a worker does nowhere
    ("files", "write", ["{outside}/shared/file.txt"], (P,)),
    ("files", "create", ["{outside}/shared"], (P,)),
    ("files", "symlink", ["{outside}/shared"], (P,)),
    ("files", "hardlink", ["{outside}/shared/file.txt", "{own}/jail-link"], (P,)),
    ("files", "rename", ["{outside}/shared/file.txt"], (P,)),
    ("files", "remove", ["{outside}/shared/file.txt"], (P,)),
    ("kernel", "exec", ["{outside}/true"], (P,)),
    ("procs", "kill", ["{sleeper}"], (P,)),
    ("procs", "pidfd-kill", ["{sleeper}"], (P,)),
]

LINKS = ["{bobsecret}", "{rootonly}", "{ownlog}", "/etc/shadow"]

# Files that are asked of him in every way where all directories are allowed; the log that is
# his to read is his to send.
WIDE = ["{bobsecret}", "{rootonly}", "/etc/shadow"]

# Hostile programs in the place of a worker: (mode, what must happen).
# "closed" = that peer is closed; "borne" = allowed, but nobody else feels it.
WORKER_WORDS = [
    ("ready-before-hello", "closed"), ("other-version", "closed"),
    ("truncated-hello", "closed"), ("hello-with-more", "closed"), ("hello-twice", "closed"),
    ("hello-of-acceptor", "closed"), ("hello-with-descriptor", "closed"),
    ("pool-before-ready", "closed"), ("unknown-type", "closed"), ("one-byte", "closed"),
    ("empty", "closed"), ("supervisors-word", "closed"), ("acceptors-word", "closed"),
    ("ready-twice", "closed"), ("pool-of-nobody", "closed"), ("pool-truncated", "closed"),
    ("pool-counts-4-gib", "closed"), ("pool-with-socket-name", "closed"),
    ("oversized", "closed"), ("one-over", "closed"), ("253-descriptors", "closed"),
    ("own-channel-as-descriptor", "closed"), ("flood-want", "borne"),
    ("flood-broken", "borne"), ("flood-renew", "borne"), ("flood-stuck", "borne"),
    ("stuck-of-nobody", "closed"), ("deaf", "borne"), ("synced-unasked", "closed"),
    ("lines-before-ready", "closed"), ("lines-with-more", "closed"),
    ("lines-with-descriptor", "closed"), ("flood-lines", "borne"), ("lines-that-lie", "borne"),
    ("room-unknown-type", "closed"), ("room-acceptors-word", "closed"),
    ("back-no-descriptor", "closed"), ("back-file", "closed"), ("back-unix-socket", "closed"),
    ("back-own-channel", "closed"), ("back-two-descriptors", "closed"),
    ("back-253-descriptors", "closed"), ("back-flags", "closed"),
    ("back-count-4-gib", "closed"), ("back-count-short", "closed"),
    ("back-nothing-read", "closed"), ("back-oversized", "closed"),
    ("back-garbage", "borne"), ("back-half-a-head", "borne"), ("flood-back", "borne"),
]

METRICS_WORDS = [
    ("want-before-hello", "closed"), ("other-version", "closed"), ("hello-twice", "closed"),
    ("hello-of-acceptor", "closed"), ("acceptors-word", "closed"),
    ("supervisors-word", "closed"), ("unknown-type", "closed"), ("with-more", "closed"),
    ("with-descriptor", "closed"), ("253-descriptors", "closed"), ("oversized", "closed"),
    ("empty", "closed"), ("flood-want", "borne"), ("hoard", "closed"),
]

ACCEPTOR_WORDS = [
    ("want-before-ready", "closed"), ("hello-twice", "closed"), ("hello-of-worker", "closed"),
    ("unknown-type", "closed"), ("workers-word", "closed"), ("supervisors-word", "closed"),
    ("user-out-of-range", "closed"), ("bad-user-out-of-range", "closed"),
    ("truncated", "closed"), ("with-more", "closed"), ("ready-twice", "closed"),
    ("with-descriptor", "closed"), ("253-descriptors", "closed"), ("oversized", "closed"),
    ("empty", "closed"), ("synced-unasked", "closed"),
    ("flood-want", "borne"), ("flood-bad", "borne"),
]
