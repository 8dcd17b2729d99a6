#!/usr/bin/env python
"""Django's entry point; the same program as the console script `tloi`."""

import sys

from tloi_site.program import main

if __name__ == "__main__":
    sys.exit(main())
