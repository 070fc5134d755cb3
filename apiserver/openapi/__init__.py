"""OpenAPI documents, made from the compiled schema and the catalog of kinds."""
