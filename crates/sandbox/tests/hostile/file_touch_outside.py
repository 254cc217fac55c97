import os, shutil
path = CANARY + "/file"
for attack in (
    lambda: os.truncate(path, 0), lambda: os.remove(path), lambda: os.rename(path, CANARY + "/renamed"),
    lambda: os.link(path, "linked"), lambda: os.symlink(path, CANARY + "/link"), lambda: os.mkdir(CANARY + "/folder"),
    lambda: os.chmod(path, 0o777), lambda: os.utime(path, (1, 1)), lambda: shutil.rmtree(CANARY), lambda: os.mkfifo(CANARY + "/fifo"),
    lambda: os.setxattr(path, "user.x", b"1"), lambda: os.chown(path, os.getuid(), os.getgid()),
):
    try: attack()
    except OSError: pass
print("done")
