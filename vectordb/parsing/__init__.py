"""Files to text. What is imported here runs in a process of its own: no Django, no database."""
