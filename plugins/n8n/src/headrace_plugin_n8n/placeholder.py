"""A step that does nothing, and says so."""

from __future__ import annotations

from headrace.sdk import ConfigError, Node, NodeContext
from headrace.sdk.frames import Frames

from headrace_plugin_n8n import PlaceholderConfig


class Placeholder(Node[PlaceholderConfig]):
    """Refuses to work, should anybody get so far."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Nothing comes out.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"the step '{ctx.node_id}' stands for '{self.config.original_type}' of n8n, which has no counterpart here; "
            "replace it"
        )
