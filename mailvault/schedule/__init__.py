"""When something is due: rhythms, windows and chance. Pure: the present is a parameter."""
