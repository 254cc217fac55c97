import os
os.write(1, b"6\n")
os._exit(1)
