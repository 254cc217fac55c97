got = False
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/self/uid_map", "/sys/kernel/uevent_helper"):
    try:
        open(path, "w").write("0")
        got = True
    except OSError:
        pass
print("RAISED" if got else "denied")
