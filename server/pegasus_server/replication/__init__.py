"""PacificA as pure state machines: step(input) gives effects."""
