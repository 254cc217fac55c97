# Runs before the program, in its interpreter: says that the interpreter is up, restores the names that the skipped
# `site` module would have added, takes the working directory off the module path, and becomes the program.
import builtins, sys

def _become(marker, path):
    sys.stderr.write(marker)
    sys.stderr.flush()

    def leave(code=None):
        raise SystemExit(code)

    builtins.exit = builtins.quit = leave
    sys.path[:] = [place for place in sys.path if place]
    sys.argv = [path]
    with open(path, "rb") as file:
        source = file.read()
    namespace = sys.modules["__main__"].__dict__
    namespace["__file__"] = path
    for name in ("builtins", "sys", "_become"):
        del namespace[name]
    exec(compile(source, path, "exec", dont_inherit=True), namespace)

_become(*sys.argv[1:])
