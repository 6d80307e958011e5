"""Figures that were measured, and the page that publishes them; `record` is the one door.

```python
record("load.drain", [204.1, 198.7, 207.3], title="Executions drained", unit="executions/s", size="10,000 x 10 nodes")
```
"""

from tests.trust.figures import Figure, record

__all__ = ["Figure", "record"]
