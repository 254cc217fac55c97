# Put before every program here: what it says it got, it wrote to standard output. One letter a unit, so that what was
# got can be counted whatever the sandbox says: `m` is a MiB that is held, `c` are 20 ms of processor time that are used.
import ctypes, fcntl, mmap, os, resource, select, signal, socket, stat, struct, sys, threading, time
MIB = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = libc.mmap.restype = ctypes.c_long
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]

def held(mib=1):
    os.write(1, b"m" * mib)

def touch(memory, size):
    for at in range(0, size, MIB):
        memory[at : at + MIB] = bytes([at & 255 or 1]) * min(MIB, size - at)
        held()

def burn(seconds):
    start = time.process_time()
    for step in range(round(seconds * 50)):
        while time.process_time() - start < (step + 1) * 0.02:
            pass
        os.write(1, b"c")

def fill(descriptor, got=[0]):
    os.set_blocking(descriptor, False)
    try:
        while True:
            got[0] += os.write(descriptor, bytes(4096))
    except BlockingIOError:
        pass
    while got[0] >= MIB:
        got[0] -= MIB
        held()

def got(what):
    print("GOT", what, flush=True)
