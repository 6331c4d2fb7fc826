"""What the HTTP doors share: what came in, who comes too often, the threads behind them. It answers nothing itself."""
