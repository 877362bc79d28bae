"""Where a job runs. A file's name is the word the user types; strategies don't know one another."""
