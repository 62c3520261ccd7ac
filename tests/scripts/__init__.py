"""Reading training scripts from outside."""
