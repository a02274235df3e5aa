# SPDX-License-Identifier: GPL-2.0-or-later
"""Children of the benchmark: started pinned, watched through /proc, and never left behind."""

import ctypes
import dataclasses
import fcntl
import mmap
import os
import select
import signal
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18

# What a tracer holds while its programs are attached, as /proc/PID/fd names it.
ATTACHMENTS = ("anon_inode:bpf_link", "anon_inode:bpf-raw-tp", "anon_inode:[perf_event]")


class BenchError(Exception):
    """A measure that could not be made, with the reason."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a child runs. cpu: pinned to it. idle: anything else may preempt it at once."""

    cpu: int | None = None
    idle: bool = False
    mount_ns: int | None = None
    root: str = ""

    def enter(self):
        """In the child."""
        if self.mount_ns is not None and LIBC.setns(self.mount_ns, CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        if self.root:
            os.chroot(self.root)
            os.chdir("/")
        if self.cpu is not None:
            os.sched_setaffinity(0, {self.cpu})
        if self.idle:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Child:
    """A child process. Use it with `with`: at the end it is killed if it still runs."""

    def __init__(self, argv, stdin=None, stdout=None, stderr=None, place=Place()):
        """stdin, stdout, stderr are descriptors; None is /dev/null."""
        stamp = mmap.mmap(-1, 8)  # shared with the child: the instant before exec
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        files = [null if fd is None else fd for fd in (stdin, stdout, stderr)]
        sys.stdout.flush()
        sys.stderr.flush()
        self.name = os.path.basename(argv[0])
        self.insist = False  # it may miss a SIGINT, and gets another each second
        self.usage = None
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would hand that on
                place.enter()
                # Copies first: one of the three may itself be descriptor 0, 1 or 2.
                copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in files]
                for target, fd in enumerate(copies):
                    os.dup2(fd, target)
                stamp[:] = struct.pack("q", time.monotonic_ns())
                os.execvp(argv[0], argv)
            except OSError as e:
                os.write(2, f"{argv[0]}: {e}\n".encode())
            finally:
                os._exit(127)
        os.close(null)
        self.pidfd = os.pidfd_open(self.pid)
        self._stamp = stamp

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            self.signal(signal.SIGKILL)
            self.wait(30)
        os.close(self.pidfd)

    @property
    def exec_ns(self):
        return struct.unpack("q", self._stamp[:])[0]

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, timeout):
        """True if it ended within the time."""
        if self.status is None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            if not poll.poll(timeout * 1000):
                return False
            _, self.status, self.usage = os.wait4(self.pid, 0)
        return True

    def running(self):
        return not self.wait(0)

    def cpu_ns(self):
        """User and system time of all its threads, ended ones too. The kernel's CPU clock of another process: it has no
        tick to round to, and reading it opens no file, which a tracer of opens would see."""
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def interrupt(self, timeout=10):
        """SIGINT, then the exit status. A tracer that does not end is killed, and that is an error."""
        if self.status is None:
            self.signal(signal.SIGINT)
        for _ in range(timeout):
            if self.wait(1):
                return os.waitstatus_to_exitcode(self.status)
            if self.insist:
                self.signal(signal.SIGINT)
        self.signal(signal.SIGKILL)
        self.wait(30)
        raise BenchError(f"{self.name} did not end within {timeout} s of SIGINT")

    def interrupt_watching(self, timeout=30):
        """The same; the highest it ever was resident, in KiB, its last report included. (What wait4 tells has the memory
        of this process in it, from before the exec.)"""
        self.signal(signal.SIGINT)
        deadline = time.monotonic() + timeout
        peak = 0
        while not self.wait(0.002) and time.monotonic() < deadline:
            try:
                peak = max(peak, self.memory_kib()[1])
            except (OSError, KeyError):
                pass  # it has no memory any more
            if self.insist and time.monotonic() > deadline - timeout + 2:
                break
        self.interrupt()
        return peak

    def descriptors(self):
        """{fd: what it is}"""
        folder = f"/proc/{self.pid}/fd"
        found = {}
        for fd in os.listdir(folder):
            try:
                found[fd] = os.readlink(f"{folder}/{fd}")
            except FileNotFoundError:
                pass  # closed since the listing
        return found

    def wait_attached(self, to_pid=None, timeout=30, steady=0.15):
        """Wait until it holds attachments, or ptraces that process, and these have not changed for `steady` seconds, at the
        end of which it sleeps: on a busy machine it may have been waiting for its turn all the time. Files do not count:
        who looks up symbols opens and closes them all the time."""
        deadline = time.monotonic() + timeout
        before, since = None, time.monotonic()
        while True:
            if not self.running():
                raise BenchError(f"{self.name} ended before it attached")
            now = {fd: what for fd, what in self.descriptors().items() if what.startswith("anon_inode:")}
            if now != before:
                before, since = now, time.monotonic()
            elif self.is_attached(now, to_pid) and time.monotonic() - since >= steady:
                busy = status_of(self.pid)["State"].split()[0] == "R"
                if not busy or time.monotonic() - since >= 10 * steady:
                    return
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} was not attached after {timeout} s")
            time.sleep(0.01)

    def is_attached(self, descriptors, to_pid):
        if to_pid is None:
            return any(what in ATTACHMENTS for what in descriptors.values())
        return status_of(to_pid)["TracerPid"].strip() == str(self.pid)

    def wait_idle(self, timeout=20):
        """Wait until it has worked off what is pending: less than 1 ms of CPU within 0.1 s."""
        deadline = time.monotonic() + timeout
        before = self.cpu_ns()
        while time.monotonic() < deadline and self.running():
            time.sleep(0.1)
            now = self.cpu_ns()
            if now - before < 1_000_000:
                return
            before = now

    def memory_kib(self):
        """(resident now, highest so far)"""
        values = status_of(self.pid)
        return int(values["VmRSS"].split()[0]), int(values["VmHWM"].split()[0])


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":", 1) for line in f)


def pipe():
    return os.pipe2(os.O_CLOEXEC)


def output_of(argv, timeout=60, stderr=2, **options):
    """Everything that a child writes to stdout, once it has ended well."""
    reader, writer = pipe()
    with Child(argv, stdout=writer, stderr=stderr, **options) as child:
        os.close(writer)
        text = read_until(reader, timeout, lambda data: False)
        os.close(reader)
        if not child.wait(10):
            raise BenchError(f"{child.name} was not done after {timeout} s")
        if child.status != 0:
            raise BenchError(f"{child.name} failed with status {os.waitstatus_to_exitcode(child.status)}")
    return text.decode()


def read_until(fd, timeout, enough):
    """What comes until `enough` of it is there, the end, or the time is over."""
    deadline = time.monotonic() + timeout
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    data = b""
    while not enough(data):
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            break
        more = os.read(fd, 1 << 16)
        if not more:
            break
        data += more
    return data


LOCK = "/tmp/sonde-bench.lock"  # tests/vm/lib.sh has the same


def open_lock(path):
    """For reading only: in a sticky folder nobody but its owner may open the file for writing."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def take_lock(path=LOCK, wait_s=900):
    """The lock that keeps benchmarks and guests apart; it is held until this process ends."""
    fd = open_lock(path)
    deadline = time.monotonic() + wait_s
    said = False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BenchError(f"{path} is still locked after {wait_s} s") from None
            if not said:
                print(f"waiting for {path}: another benchmark or a guest is running", file=sys.stderr)
                said = True
            time.sleep(1)


def private_mounts(root=""):
    """A descriptor of a private mount namespace in which tracefs and debugfs are mounted, for the peers that need them,
    and in `root` the file systems of the kernel. The machine's own mounts stay as they are. It ends with the descriptor."""
    ready_r, ready_w = pipe()
    go_r, go_w = pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_w)
        ok = mount_privately(root)
        os.write(ready_w, b"y" if ok and os.path.isdir(f"{root}/sys/kernel/tracing/events") else b"n")
        os.read(go_r, 1)
        os._exit(0)
    os.close(ready_w)
    os.close(go_r)
    ready = os.read(ready_r, 1)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    os.close(go_w)
    os.close(ready_r)
    os.waitpid(pid, 0)
    if ready != b"y":
        os.close(namespace)
        raise BenchError("tracefs could not be mounted in a private mount namespace")
    return namespace


def mount_privately(root):
    """In a child that lives for this alone."""
    if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return False
    for kind, where in ((b"debugfs", b"/sys/kernel/debug"), (b"tracefs", b"/sys/kernel/tracing")):
        if not os.path.ismount(where):
            LIBC.mount(kind, where, kind, 0, None)
    for folder in ("/proc", "/sys", "/dev") if root else ():
        if LIBC.mount(folder.encode(), (root + folder).encode(), None, MS_BIND | MS_REC, None) != 0:
            return False
    return True


class BpfStats:
    """While it is open the kernel takes the time of each BPF program run. It is tied to a descriptor (BPF_ENABLE_STATS),
    not to the sysctl, so that it ends with this process however that ends."""

    SYS_BPF = {"x86_64": 321, "aarch64": 280}
    BPF_ENABLE_STATS = 32

    def __enter__(self):
        number = self.SYS_BPF.get(os.uname().machine)
        if number is None:
            raise BenchError(f"the number of bpf(2) on {os.uname().machine} is not known here")
        attr = ctypes.create_string_buffer(struct.pack("I", 0), 4)  # BPF_STATS_RUN_TIME
        self.fd = LIBC.syscall(number, self.BPF_ENABLE_STATS, attr, 4)
        if self.fd < 0:
            raise BenchError(f"BPF_ENABLE_STATS: {os.strerror(ctypes.get_errno())}")
        return self

    def __exit__(self, *_):
        os.close(self.fd)
