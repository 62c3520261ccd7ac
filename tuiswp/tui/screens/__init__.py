"""Whole screens: they arrange widgets and turn keys into actions."""
