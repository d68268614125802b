"""How things become durable: the database file, its one writer thread, its readers, its schema."""
