import os
print(6, flush=True)
os.abort()
