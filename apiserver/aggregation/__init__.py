"""The aggregation layer: group versions that APIServices give to other servers (kube-aggregator).

`plan` decides (pure); `transport` connects, `handler` passes requests on, `availability` keeps the condition Available,
`registration` makes the APIServices of custom resources, `discovery` and `openapi` show clients one API."""
