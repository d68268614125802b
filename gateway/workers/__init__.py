"""At our own pace: what the server does besides answering, while it runs."""
