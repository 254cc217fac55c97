got = False
for path in ("/etc/shadow", "/root/.bashrc", "/root/.ssh/id_rsa", "/root/.profile", "/home", "/etc/hostname", "/var/log/dpkg.log", "/proc/1/environ"):
    try:
        import os
        got |= bool(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
    except OSError:
        pass
print("LEAK" if got else "denied")
