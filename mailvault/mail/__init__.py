"""The words of the field, pure: nothing here performs I/O or imports from above."""
