"""The Common Expression Language as Kubernetes speaks it: type-checked, cost-estimated, with its own functions.

Pure but for loading the library, which happens with the first expression. `environment` compiles and evaluates,
`types` says what variables are (also by OpenAPI schema), `cost` estimates, `functions` holds Kubernetes' additions."""
