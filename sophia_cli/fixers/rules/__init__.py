"""Rules, one file each, by area. A file put here is found by itself; nothing else is edited to add one."""
