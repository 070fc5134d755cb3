"""Custom resources: kinds that come and go with CustomResourceDefinition objects.

Pure: `kinds` makes `Kind`s of a definition, with the checks of `api.apiextensions` behind their strategy; `names`
decides which names are accepted. `controller` follows the definitions and changes what is served, `conversion` asks
webhooks."""
