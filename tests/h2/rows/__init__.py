from . import fields, floods, flow, framing, hpack_errors, messages, settings, states

TOPICS = [t.T for t in (framing, states, settings, flow, fields, messages, hpack_errors, floods)]
ROWS = [row for t in TOPICS for row in t.rows]
