import subprocess
print(subprocess.run("echo a; (echo b) | cat; echo c", shell=True, capture_output=True, text=True).stdout.split())
