"""``python -m django_generic_payments.sandbox``: a small Stripe for any program, in any language."""

from __future__ import annotations

import sys

from .command_line import main

if __name__ == "__main__":
    sys.exit(main())
