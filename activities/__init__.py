"""The steps of the run: one class per collaborator, one method per effect. They know ports, never adapters."""
