"""Discovery documents, computed from the catalog of kinds."""
