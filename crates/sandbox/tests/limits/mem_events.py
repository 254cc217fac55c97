made = 0
for _ in range(128):
    if libc.inotify_init() < 0: break
    made += 1
if made: held(made * 4)
