"""The API's commands, one family a file; `table` names each once."""
