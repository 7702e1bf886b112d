"""The words that more than one room uses; standard library only, no IO, no clock."""
