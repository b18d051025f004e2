"""Ground floor: ids, errors and limits that every other package may import. Imports nothing of ours."""
