threading.stack_size(16 * MIB)
def deep():
    touch(bytearray(16 * MIB), 16 * MIB)
    time.sleep(3)
try:
    for _ in range(25): threading.Thread(target=deep, daemon=True).start()
except RuntimeError: pass
time.sleep(3)
