"""The table: every topic in the order in which a message is read."""
from . import (caching, chunked, conditions, connection, framing, host, lines, methods, ranges,
               representations, targets, versions)

TOPICS = [framing.T, chunked.T, lines.T, host.T, targets.T, versions.T, methods.T, connection.T,
          conditions.T, ranges.T, representations.T, caching.T]
ROWS = [row for topic in TOPICS for row in topic.rows]
