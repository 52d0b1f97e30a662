"""The demonstration: the whole product on invented patients, who call by themselves."""
