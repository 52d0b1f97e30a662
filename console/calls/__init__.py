"""The call log's desk: what was said when, with whom, and its recording."""
