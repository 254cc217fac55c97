import os, subprocess
try:
    text = subprocess.run(["su", "-c", "id"], input="", capture_output=True, text=True, timeout=1).stdout
except Exception:
    text = ""
print("RAISED" if "uid=0" in text else "denied")
