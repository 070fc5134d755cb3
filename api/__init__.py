"""The API's resources as data: names, scope, subresources, defaults, validation, update rules, table columns. Pure."""
