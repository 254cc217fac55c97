while True:
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            burn(5)
        children.append(child)
    time.sleep(0.1)
    for child in children: os.kill(child, 9)
