"""``python -m pegasus_server``."""

import sys

from pegasus_server.runtime.main import main

if __name__ == "__main__":
    sys.exit(main())
