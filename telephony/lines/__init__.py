"""Lines: SIP trunks and registrations, one interface over interchangeable drivers."""
