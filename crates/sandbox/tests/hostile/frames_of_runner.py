import gc, sys
text = []
frame = sys._getframe()
while frame:
    text += [repr(v) for v in list(frame.f_locals.values()) if isinstance(v, (str, bytes))]
    frame = frame.f_back
for o in gc.get_objects():
    if isinstance(o, dict):
        text += [repr(v)[:200] for v in list(o.values()) if isinstance(v, (str, bytes))]
print("LEAK" if any("TL_WANT_" + "7319" in t for t in text) else "none")
