"""The rules: pure functions of a company's state, a command and an instant. README.md beside this file tells them."""
