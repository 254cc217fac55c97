import os, resource
try:
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))
    print("GOT")
except (OSError, PermissionError):
    print("denied")
