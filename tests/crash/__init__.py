"""Under fire: real processes, real kills, and what must hold after each of them."""
