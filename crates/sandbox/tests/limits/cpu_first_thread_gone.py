for _ in range(3): threading.Thread(target=burn, args=(2,)).start()
libc.syscall(60, 0)
