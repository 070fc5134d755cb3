"""Conversion between the versions of a definition by its webhook (spec.conversion.strategy Webhook).

`review` words the question and judges the answer, `webhook` asks and remembers."""
