"""Calling webhooks: those that objects name by URL or by Service (`caller`), and those of the server's own flags, which
kubeconfig files name (`bykubeconfig`)."""
