"""The catalog: an index over content and journal. Delete it and it can be made again."""
