def alone():
    burn(2)
threading.Thread(target=alone).start()
libc.syscall(60, 0)
