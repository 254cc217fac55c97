# Asked of an interpreter before anything else: where it lives and what it needs to see.
import json
import os
import sys

import site  # makes no change by itself where site was switched off

search = [path for path in sys.path if path and os.path.isdir(path)]
prefixes = [sys.base_prefix, sys.base_exec_prefix]
home = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
system = True
try:
    with open(os.path.join(home, "pyvenv.cfg"), encoding="utf-8") as file:
        prefixes.insert(0, home)
        lines = [line.partition("=") for line in file]
        system = any(k.strip().lower() == "include-system-site-packages" and v.strip().lower() == "true" for k, _, v in lines)
except OSError:
    pass
for prefix in prefixes if system else prefixes[:1]:
    # Some distributions give other folders for their own interpreter than for the environments made with it.
    own = os.path.join(prefix, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    for path in [own] + site.getsitepackages([prefix]):
        if os.path.isdir(path) and path not in search:
            search.append(path)

visible = prefixes + [sys.prefix, sys.exec_prefix, os.path.dirname(os.path.abspath(sys.executable))] + search
visible += [os.path.dirname(os.path.realpath(sys.executable)), "/usr"]
with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
    for line in file:
        path = line.rstrip("\n").partition("/")[1:]
        path = "".join(path)
        if path and os.path.isfile(path):
            visible.append(os.path.dirname(path))
for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"):
    if os.path.lexists(path):
        visible.append(path)
visible = [os.path.abspath(path) for path in visible]
# Never a whole tree of the machine or of its users because an interpreter was installed right below it.
too_wide = {"/", "/root", "/home", "/etc", "/var", "/tmp", "/run", "/proc", "/sys", "/dev", os.path.expanduser("~")}
visible = sorted({path for path in visible if path not in too_wide and os.path.lexists(path)})
answer = {
    "executable": os.path.abspath(sys.executable),
    "visible": visible,
    "search": search,
    "version": list(sys.version_info[:2]),
}
sys.stdout.write(json.dumps(answer))
