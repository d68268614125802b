"""What we remember: one concept a file, with its tables and SQL. Handed a `db`, never opens one."""
