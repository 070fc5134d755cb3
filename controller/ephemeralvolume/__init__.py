"""The controller of generic ephemeral volumes (KEP-1698): claims that pods bring along."""
