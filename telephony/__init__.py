"""A complete telephone system with no idea of patients: lines, calls, media, headsets, the floor and routing."""
