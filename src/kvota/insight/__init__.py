"""What the numbers of a company mean: will its package last, and how could it spend less. Reads only."""
