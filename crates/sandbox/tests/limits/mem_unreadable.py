import shutil
tool = os.environ["TMPDIR"] + "/tool"
shutil.copyfile("/bin/sleep", tool)
os.chmod(tool, 0o111)
for _ in range(12):
    if os.fork() == 0:
        try:
            while True:
                a, b = socket.socketpair()
                for end in (a, b): os.set_inheritable(end.fileno(), True)
                fill(a.fileno()); fill(b.fileno())
                if a.fileno() > 240: break
                a.detach(); b.detach()
        except OSError: pass
        try: os.execv(tool, [tool, "3"])
        finally: os._exit(1)
time.sleep(3)
