"""The steps of a run, a file for each: repeatable, each commits what it made, each asks SQL what is left to do."""
