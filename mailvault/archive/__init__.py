"""The archive on disk: content, journal and catalog. The only room that speaks SQL."""
