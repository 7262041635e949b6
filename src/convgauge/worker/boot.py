"""Start the child in any Python: makes this folder importable as ``convgauge`` and nothing else beside it.

Run by path, so that another interpreter sees its own packages and not those installed around this one.
"""

import os
import sys

if sys.version_info < (3, 9):  # noqa: UP036 - any interpreter may run this file
    sys.exit("Python 3.9 or newer is needed, and %s is %s" % (sys.executable, sys.version.split()[0]))  # noqa: UP031 - as above

import importlib.util

if __name__ == "__main__":
    own = os.path.dirname(os.path.abspath(__file__))
    here = os.path.dirname(own)
    sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != own]
    if importlib.util.find_spec("numpy") is None:
        sys.exit("NumPy is not installed for " + sys.executable)
    spec = importlib.util.spec_from_file_location(
        "convgauge", os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["convgauge"] = package
    spec.loader.exec_module(package)

    from convgauge.worker.server import main

    main(int(sys.argv[1]), int(sys.argv[2]))
