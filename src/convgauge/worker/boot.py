"""Start of a worker process in any Python: makes this package importable by its path, and nothing beside it.

The file is run by its path, so that another interpreter has its own packages and not those of the engine.
"""

import json
import os
import struct
import sys


def refuse(reason):  # type: ignore[no-untyped-def]  # without annotations: any interpreter may run this file
    """Reply that loading failed, in the format of `convgauge.worker.protocol`, and end the process."""
    text = json.dumps(("LoadFailed", {"error": reason})).encode()
    content = struct.pack("<Q", len(text)) + text
    os.write(int(sys.argv[2]), struct.pack("<Q", len(content)) + content)
    sys.exit(1)


if sys.version_info < (3, 9):  # noqa: UP036 - any interpreter may run this file
    refuse("Python 3.9 or newer is needed, and %s is %s" % (sys.executable, sys.version.split()[0]))  # noqa: UP031 - as above

if __name__ == "__main__":
    import importlib.util

    folder = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(folder)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != folder]
    if importlib.util.find_spec("numpy") is None:
        refuse("NumPy is not installed for " + sys.executable)  # type: ignore[no-untyped-call]
    spec = importlib.util.spec_from_file_location(
        "convgauge", os.path.join(root, "__init__.py"), submodule_search_locations=[root]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["convgauge"] = package
    spec.loader.exec_module(package)

    from convgauge.worker.server import main

    main(int(sys.argv[1]), int(sys.argv[2]))
