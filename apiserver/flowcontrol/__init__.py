"""API priority and fairness (KEP-1040): which requests are carried out at once, which wait, and which are refused.

A request is matched to a FlowSchema and by it to a priority level (`matching`); each level may occupy a number of seats
(`allocation`), and where these are taken its requests wait in queues that are served fairly (`level`). `controller`
follows the objects, `filter` is what the request chain asks. `matching`, `allocation`, `demand`, `shuffle`, `width` and
`status` are pure; `level` is too but for the futures of those who wait."""
