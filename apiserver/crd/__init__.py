"""Custom resources: kinds that come and go with CustomResourceDefinition objects.

Pure: `kinds` makes `Kind`s of a definition, with `values`, `defaulting`, `listtypes` and `rules` behind their strategy;
`names` decides which names are accepted. `controller` follows the definitions and changes what is served."""
