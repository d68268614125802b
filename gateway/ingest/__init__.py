"""The river: the steps one event takes (`record`), and the door that leads to them (`intake`)."""
