# What the processes of a job use, which they are, and how they end where nothing names them as a whole.


class Watched:
    """What a job's processes have used so far."""

    def __init__(self, zygote, main):
        self.zygote = zygote
        self.main = main
        self.status = None
        self.reaped_cpu = 0.0
        self.cpu = 0.0
        self.peak = 0
        self.main_peak = 0
        self.endings = {}

    def reaped(self, pid, status, usage):
        self.reaped_cpu += usage.ru_utime + usage.ru_stime
        self.cpu = max(self.cpu, self.reaped_cpu)
        self.endings[pid] = status
        if pid == self.main:
            self.status = status
            self.main_peak = usage.ru_maxrss * 1024

    def look(self, job):
        while True:
            # The main process stays a zombie until the end, so that its number stays its own.
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if found is None or found.si_pid == self.main:
                break
            pid, status, usage = os.wait4(found.si_pid, os.WNOHANG)
            if pid:
                self.reaped(pid, status, usage)
        cpu, anonymous, count = self.reaped_cpu, 0, 0
        for name in self.zygote_processes():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                with open("/proc/%s/statm" % name, "rb") as file:
                    size = file.read().split()
            except (OSError, ValueError):
                continue
            cpu += sum(map(int, fields[11:15])) / CLOCK
            anonymous += max(0, int(size[1]) - int(size[2])) * PAGE
            count += 1
        # What was taken over from the zygote is shared: it is counted once.
        anonymous -= max(0, count - 1) * self.zygote.base_anonymous
        self.cpu = max(self.cpu, cpu)
        self.peak = max(self.peak, anonymous)
        if self.cpu > job.cpu:
            return ENDED_CPU
        if anonymous > job.memory:
            return ENDED_MEMORY
        return None

    def zygote_processes(self):
        if self.zygote.level == "L3":
            return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return [str(pid) for pid in descendants()]


FOREIGN = set()


def descendants():
    """Every process below this one, as /proc shows it. Those that were seen to be others' are not asked again."""
    global FOREIGN
    children, seen = {}, set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            seen.add(int(name))
            if int(name) in FOREIGN:
                continue
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(name))
            except (OSError, IndexError):
                continue
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    FOREIGN = seen.difference(found)
    return found


def freeze_and_kill():
    """Where nothing names the job's processes as a whole, they are stopped until no new one turns up, then killed."""
    seen = set()
    for _ in range(1000):
        new = [pid for pid in descendants() if pid not in seen]
        if not new:
            break
        for pid in new:
            seen.add(pid)
            try:
                os.kill(pid, signal.SIGSTOP)
            except OSError:
                pass
    for pid in seen:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def memory_of(who):
    """Anonymous memory and size of a process, bytes."""
    with open("/proc/%s/statm" % who, "rb") as file:
        fields = file.read().split()
    return max(0, int(fields[1]) - int(fields[2])) * PAGE, int(fields[0]) * PAGE
