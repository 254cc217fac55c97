import subprocess, sys
print(subprocess.run([sys.executable, "-S", "-c", "print(sum(map(int, input().split())))"], input=input(), capture_output=True, text=True, check=True).stdout.strip())
