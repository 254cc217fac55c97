# Outlives its parent by as long as it takes to remove the parent's folder: standard input ends when the parent does.
import os, shutil, signal, sys, time

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
folder = sys.argv[1]
while os.read(0, 1):
    pass


def openly(function, path, _):
    """A program may have taken its folders' modes away."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, 0o700)
            shutil.rmtree(path, onerror=openly if function is not os.rmdir else None)
        else:
            function(path)
    except OSError:
        pass


# Workers end at the same moment, and empty their folders themselves; some may be in the middle of a program yet.
for attempt in range(200):
    shutil.rmtree(folder, onerror=openly)
    if not os.path.lexists(folder):
        break
    time.sleep(0.05)
