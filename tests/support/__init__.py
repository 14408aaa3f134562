"""What the tests of several chapters share."""
