"""`python -m lineal` is the command `lineal`."""

import sys

from lineal.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
