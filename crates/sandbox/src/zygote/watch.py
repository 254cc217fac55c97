# What the processes of a job use, which they are, and how they end where nothing names them as a whole.
#
# What counts is what the machine loses by the job, not what its first process can be seen to hold: the time of every
# process, until it is in the account of whoever waited for it; private memory; files in memory, whoever has them open;
# what sits in pipes and sockets, as much as they could hold. What cannot be counted from here, the filter denies.

# How often the zygote looks, and how often when a limit is near; seconds.
TICK, SHORT_TICK = 0.01, 0.002
# Some things take long to count: every so many looks, and first at the third, which most programs do not live to see.
SLOW_LOOK, FIRST_SLOW = 10, 3
# What the kernel may have lost by giving the time of a process's children in ticks, user's and system's.
ROUNDED = 2.0 / os.sysconf("SC_CLK_TCK")
PIPE_BYTES = 16 * PAGE
# Beyond the size of its buffer a socket takes what is being sent, and the kernel's own.
SOCKET_SLACK = 64 << 10
# Descriptors of the kernel's own objects: a set of watches, a timer, a counter.
OBJECT_BYTES = 64 << 10
# A list of mappings beyond so many bytes is not read: a process with that many is taken to have all that it may.
MAPS_READ, MAPS_BYTES = 256 << 10, 32 << 20
# More files than this are too many, wherever they are: the kernel's limit where a file system of the run's own has one.
MOST_FILES = 8192


class TooMuch(Exception):
    """A limit was reached while a look was still going on."""


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
        self.looks = 0
        self.mappings, self.file_bytes = {}, 0
        self.pace = TICK
        # Processes that are known, and when their clocks were last read between the steps of a look.
        self.known, self.hastened = (), 0.0
        # When it was last asked whether the job gets its time, and what it had used by then; whether it was moved since.
        self.asked, self.cpu_when_asked, self.moved = time.monotonic(), 0.0, False

    def reaped(self, pid, status, usage):
        self.reaped_cpu += usage.ru_utime + usage.ru_stime
        self.endings[pid] = status
        # Its time is in the account now.
        self.known = tuple(one for one in self.known if one != pid)
        if pid == self.main:
            self.status = status
            self.main_peak = usage.ru_maxrss * 1024

    def reap(self):
        while True:
            # The main process stays a zombie until the end, so that its number stays its own.
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid == self.main:
                return
            if self.zygote.grouped and found.si_pid in self.zygote.leaders:
                # What it leaves behind has no other name than its number, which ends with it.
                kill_group(found.si_pid)
            pid, status, usage = os.wait4(found.si_pid, os.WNOHANG)
            if pid:
                self.zygote.leaders.discard(pid)
                self.reaped(pid, status, usage)

    def look(self, job):
        """Which limit has been reached, if any."""
        self.looks += 1
        try:
            self.reap()
            if self.count(job) is None:
                return None
            # A process that is reaped by its parent between two readings is counted in both: what is too much is counted
            # once more.
            self.reap()
            return self.count(job)
        except TooMuch:
            return ENDED_CPU

    def hasten(self, job):
        """Reads the clocks of those that are known once more: on a busy machine a look at many processes takes long enough
        for them to use more than they may. Who has ended since is left out, so what is too much here is too much."""
        now = time.monotonic()
        if now - self.hastened < SHORT_TICK:
            return
        self.hastened = now
        used = self.reaped_cpu
        for pid in self.known:
            try:
                used += time.clock_gettime((~pid << 3) | 2)
            except OSError:
                continue
        if used > job.cpu:
            raise TooMuch

    def count(self, job):
        self.hasten(job)
        names = self.zygote.processes()
        self.known = tuple(map(int, names))
        cpu, parents, private, states, threads = self.reaped_cpu, 0, 0, {}, 0
        for name in names:
            self.hasten(job)
            try:
                fields = told_of(name, "stat").rpartition(b")")[2].split()
                size = told_of(name, "statm")
            except OSError:
                continue
            cpu += time_of(int(name), fields)
            waited_for = int(fields[13]) + int(fields[14])
            if waited_for:
                cpu += waited_for / CLOCK
                parents += 1
            if fields[0] == b"Z" and int(fields[17]) > 1:
                name, fields[0], size = going_on(name) or (name, b"Z", size)
            states[name] = (fields[0], size)
            if fields[0] == b"Z":
                continue
            threads += int(fields[17])
            # Between its start and its program, a child runs in the memory of its parent, which waits.
            if states.get(fields[1].decode()) == (b"D", size):
                continue
            pages = size.split()
            private += max(0, int(pages[1]) - int(pages[2])) * PAGE + self.zygote.swapped(name)
        self.cpu = cpu
        if cpu + max(0, parents - 1) * ROUNDED > job.cpu:
            # Before anything that takes longer.
            return ENDED_CPU
        alive = [name for name, (state, _) in states.items() if state != b"Z"]
        if self.moved or self.looks % SLOW_LOOK == 0:
            self.make_way(alive, threads, [state for state, _ in states.values()])
        common = max(0, len(alive) - 1) * self.zygote.base_anonymous
        held = self.held(job, alive, private)
        memory = private + held
        self.peak = max(self.peak, memory - min(common, private))
        if memory > job.memory and len(alive) > 1:
            # What forks have in common is counted once, as exactly as it takes, and no longer than until it is too much:
            # a process with many mappings takes long to be asked, and others start meanwhile.
            memory = held
            for name in alive:
                self.hasten(job)
                if memory > job.memory:
                    break
                memory += self.zygote.share_of(name)
        # All processors at once could be used up to the next look.
        soon = 2 * TICK * min(max(1, len(alive)), CORES)
        self.pace = SHORT_TICK if job.cpu - cpu < soon or memory > job.memory // 2 else TICK
        if memory > job.memory:
            return ENDED_MEMORY
        if self.file_bytes > job.file_bytes:
            # As the kernel ends a process for one file that is too large.
            return ENDED_SIGNAL
        return None

    def make_way(self, alive, threads, states):
        """A job has one processor, and may have to share it while others have nothing to do. A thread that has got less
        than half of it goes to the next one, with the tests that wait for it; several would have to be stopped first."""
        if self.moved:
            # What they started while they were moved, from where they were.
            self.zygote.settle(alive)
            self.moved = False
            return
        now = time.monotonic()
        waited = self.cpu - self.cpu_when_asked < (now - self.asked) / 2
        self.asked, self.cpu_when_asked = now, self.cpu
        if waited and threads <= 2 and states.count(b"R") == 1 and self.zygote.processor is not None:
            self.zygote.next_processor()
            self.zygote.settle(alive)
            self.moved = True

    def held(self, job, alive, private):
        """Memory that is in no process: files, and what their descriptors stand for."""
        zygote = self.zygote
        slow = self.looks % SLOW_LOOK == FIRST_SLOW
        if zygote.sees_descriptors:
            self.count_mappings(job, alive, slow or len(alive) > 1 and self.looks % 3 == 0)
        if slow:
            self.file_bytes = 0 if zygote.level == "L3" else zygote.visible_files(job)
        held = sum(self.mappings.values())
        if zygote.level == "L3":
            held += zygote.box_bytes()
        unlinked = 0
        if zygote.sees_descriptors:
            descriptors = Descriptors(self, job, alive)
            # Each a socket, at most. Only where that were too much, or files have to be found, it is worth a closer look.
            if slow or private + held + descriptors.most() > job.memory:
                held += descriptors.count(job.memory)
                unlinked = sum(descriptors.unlinked.values())
        if zygote.level == "L3":
            return held
        if zygote.in_memory:
            return held + self.file_bytes + unlinked
        self.file_bytes = max(self.file_bytes, unlinked)
        return held

    def count_mappings(self, job, alive, again):
        """Processes are asked for the list of their mappings every few looks. Where one has a long list, so have its forks,
        and each that is new is asked at once."""
        known = {} if again else {name: self.mappings[name] for name in alive if name in self.mappings}
        if again or any(known.values()):
            total = sum(known.values())
            for name in alive:
                self.hasten(job)
                if total > job.memory:
                    break
                if name not in known:
                    known[name] = mapping_bytes(name)
                    total += known[name]
        self.mappings = known


class Descriptors:
    """Open descriptors of several processes, each thing once."""

    def __init__(self, watched, job, names):
        zygote = watched.zygote
        self.watched, self.zygote, self.job = watched, zygote, job
        self.pipes, self.sockets, self.unlinked = set(), set(), {}
        self.objects, self.unseen = 0, 0
        # Those that are on their way from one process to another are in no process's table.
        self.in_namespace = sockets_of_namespace() - zygote.base_sockets if zygote.level == "L3" else 0
        self.tables = {}
        for name in names:
            watched.hasten(job)
            try:
                self.tables[name] = os.listdir("/proc/%s/fd" % name)
            except PermissionError:
                # By running a file that may be run and not read. Before it is under its limits, a process is still the
                # zygote's; when it has given up its memory, it has given up its descriptors as well, or will at once.
                if zygote.all_confined() and size_of(name):
                    self.unseen += job.open_files
            except OSError:
                continue

    def most(self):
        count = sum(map(len, self.tables.values()))
        return (max(count, self.in_namespace) + self.unseen) * self.zygote.socket_bytes

    def count(self, most):
        """Bytes of all of them, or of so many that they alone are too much."""
        for name, numbers in self.tables.items():
            self.watched.hasten(self.job)
            self.add("/proc/%s/fd/" % name, numbers)
            if self.bytes() > most:
                break
        return self.bytes()

    def add(self, folder, numbers):
        for number in numbers:
            try:
                found = os.stat(folder + number)
            except OSError:
                continue
            kind, key = stat.S_IFMT(found.st_mode), (found.st_dev, found.st_ino)
            if kind == stat.S_IFIFO:
                self.pipes.add(key)
            elif kind == stat.S_IFSOCK:
                self.sockets.add(key)
            elif kind == stat.S_IFREG:
                if found.st_nlink == 0:
                    self.unlinked[key] = found.st_blocks * 512
            elif kind not in (stat.S_IFCHR, stat.S_IFDIR):
                # Objects of the kernel's own share one number.
                self.objects += 1

    def bytes(self):
        sockets = max(len(self.sockets), self.in_namespace) + self.unseen
        return len(self.pipes) * PIPE_BYTES + sockets * self.zygote.socket_bytes + self.objects * OBJECT_BYTES


def time_of(pid, fields):
    """Time of all threads of a process, those that have ended included, seconds."""
    try:
        # The clock of a process by its number, as `clock_getcpuclockid(3)` makes it: exact where /proc gives ticks.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return (int(fields[11]) + int(fields[12])) / CLOCK


def going_on(name):
    """Of a process whose first thread has ended: another thread, its state and its memory. The first has none any more,
    and what /proc says of the process is what it says of the first."""
    try:
        for thread in os.listdir("/proc/%s/task" % name):
            state = told_of(thread, "stat").rpartition(b")")[2].split()[0]
            if state != b"Z":
                return thread, state, told_of(thread, "statm")
    except OSError:
        pass
    return None


def mapping_bytes(name):
    """What the kernel needs for the list of a process's mappings, if that is much."""
    try:
        with open("/proc/%s/maps" % name, "rb", buffering=0) as file:
            size = 0
            while size < MAPS_READ:
                part = len(file.read(MAPS_READ))
                if not part:
                    return 0
                size += part
    except OSError:
        return 0
    return MAPS_BYTES


def sockets_of_namespace():
    with open("/proc/self/net/unix", "rb", buffering=0) as file:
        return file.read().count(b"\n") - 1


FOREIGN = set()


def descendants():
    """Every process below this one, as /proc shows it. Those that were seen to be others' are not asked again."""
    global FOREIGN
    children, seen = {}, {}
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            # The number of a process may come again; that of its entry does not come with it.
            key = (entry.name, entry.inode())
            pid = int(entry.name)
            seen[pid] = key
            if key in FOREIGN:
                continue
            try:
                fields = told_of(entry.name, "stat").rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(pid)
            except (OSError, IndexError):
                continue
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    below = set(found)
    FOREIGN = {key for pid, key in seen.items() if pid not in below}
    return found


def kill_group(leader):
    """Ends a process that is not yet reaped, and its group: all at once, so that no member can fork its way out."""
    for kill in (os.kill, os.killpg):
        try:
            kill(leader, signal.SIGKILL)
        except OSError:
            pass


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
    """Anonymous memory, size, and what is private and can be written to (stacks included) of a process, bytes."""
    fields = told_of(who, "statm").split()
    return max(0, int(fields[1]) - int(fields[2])) * PAGE, int(fields[0]) * PAGE, int(fields[5]) * PAGE


def size_of(name):
    """The size of a process, bytes; 0 where it ends or has ended."""
    try:
        return memory_of(name)[1]
    except (OSError, ValueError):
        return 0


def kilobytes(who, file, keys):
    """The sum of some lines of a file of a process, bytes."""
    return sum(int(line.split()[1]) * 1024 for line in told_of(who, file).splitlines() if line.startswith(keys))


def told_of(who, name):
    """A file of a process, which the kernel writes as a whole for the first who reads: a stream would cost the zygote
    three times as much, at every look."""
    descriptor = os.open("/proc/%s/%s" % (who, name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)
