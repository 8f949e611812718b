"""A host that tests with pytest: the project of the tests, and the plugin."""
