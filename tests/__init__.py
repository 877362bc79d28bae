"""The test suite; its folders say what kind of test they hold."""
