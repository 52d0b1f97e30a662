"""Tables, migrations, queries, the event log and the access trail."""
