threading.Thread(target=time.sleep, args=(60,)).start()
libc.syscall(60, 0)
