"""Deployments: replica sets rolled from one pod template to the next."""
