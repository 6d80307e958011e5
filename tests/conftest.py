"""`python -m tests.NAME` and the tests of NAME import the same package, however pytest was started."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
